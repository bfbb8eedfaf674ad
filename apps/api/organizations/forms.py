"""What is sent and shown of organisations."""

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.directory.models import State


def _limit(words: str, most: int = 2**31 - 1) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=0, max_value=most, allow_null=True, required=False, help_text=words
    )


class OrganizationForm(Form):
    """An organisation: what one customer owns."""

    name = Text(max_length=200, help_text="What it is called; no other has it.")
    max_domains = _limit("Domains and alias domains it may have; null is no limit.")
    max_users = _limit("Users of every kind it may have; null is no limit.")
    max_storage = _limit("Octets that all quotas may come to; null is no limit.", 2**62)


class OrganizationChange(OrganizationForm):
    """What is changed of an organisation."""

    state = serializers.ChoiceField(
        State.choices,
        required=False,
        help_text="`locked`: nobody signs in, mail is received. `suspended`: mail is refused too.",
    )


class OrganizationSought(Sought):
    """Which organisations are listed."""

    name = Text(max_length=200, required=False, help_text="Those that have this in their name.")
    state = serializers.ChoiceField(State.choices, required=False)


class OrganizationShown(Shown):
    """An organisation."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.ChoiceField(State.choices)
    max_domains = serializers.IntegerField(allow_null=True)
    max_users = serializers.IntegerField(allow_null=True)
    max_storage = serializers.IntegerField(allow_null=True, help_text="Octets.")
    created_at = serializers.DateTimeField()


class HeldShown(Shown):
    """How much there is of something that may be limited."""

    held = serializers.IntegerField()
    most = serializers.IntegerField(allow_null=True, help_text="null is no limit.")


class OrganizationUsage(Shown):
    """What an organisation holds."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    domains = HeldShown(help_text="Domains and alias domains.")
    users = HeldShown(help_text="Users of every kind.")
    storage = HeldShown(help_text="Octets that are promised: the sum of all quotas.")
    used = serializers.IntegerField(help_text="Octets that mail takes.")
    messages = serializers.IntegerField(help_text="How many messages these are.")
