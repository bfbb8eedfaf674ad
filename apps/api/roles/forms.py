"""What is sent and shown of roles."""

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.directory.models import Role


class RoleForm(Form):
    """A role that somebody is given."""

    address = Text(max_length=320, help_text="Whose it shall be.")
    role = serializers.ChoiceField(
        Role.choices,
        help_text="`operator`: everything, everywhere; `reseller`: an organisation; `domain_admin`"
        " and `helpdesk`: an organisation or a domain.",
    )
    organization = serializers.IntegerField(
        min_value=1, required=False, help_text="Id of the organisation in which it holds."
    )
    domain = serializers.IntegerField(
        min_value=1, required=False, help_text="Id of the domain in which it holds instead."
    )
    may_reset = serializers.BooleanField(
        default=False,
        help_text="Of a helpdesk: whether it resets passwords and second factors.",
    )


class RoleSought(Sought):
    """Which roles are listed."""

    address = Text(max_length=320, required=False, help_text="Those of this user.")
    user = serializers.IntegerField(
        min_value=1, required=False, help_text="Those of the user with this id."
    )
    role = serializers.ChoiceField(Role.choices, required=False)
    organization = serializers.IntegerField(
        min_value=1,
        required=False,
        help_text="Those that hold in this organisation or in one of its domains.",
    )
    domain = serializers.IntegerField(
        min_value=1, required=False, help_text="Those that hold in this domain."
    )


class RoleShown(Shown):
    """A role of somebody."""

    id = serializers.IntegerField()
    user = serializers.IntegerField(
        allow_null=True,
        help_text="Id; null where the user is out of sight: who administers a thing knows who else"
        " does, and nothing more of them.",
    )
    address = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    organization = serializers.IntegerField(
        allow_null=True, help_text="Id of the organisation in which it holds."
    )
    domain = serializers.IntegerField(
        allow_null=True, help_text="Id of the domain in which it holds."
    )
    place = serializers.CharField(
        help_text="Name of that organisation or domain; empty where it holds everywhere."
    )
    may_reset = serializers.BooleanField()
    may_revoke = serializers.BooleanField(help_text="Whether whoever asks can take it back.")
