"""What is sent and shown of one's own account."""

from rest_framework import serializers

from apps.api.bounds import BoundForm
from apps.api.forms import Form, Shown, Text
from apps.directory.apppasswords import PROTOCOLS
from apps.sieve.models import Audience
from apps.sieve.services import DAYS, SUBJECT_MOST, TEXT_MOST


class AccountShown(Shown):
    """An account."""

    id = serializers.IntegerField()
    address = serializers.CharField()
    name = serializers.CharField()
    organization = serializers.CharField(allow_null=True)
    quota = serializers.IntegerField(help_text="Octets; 0 is no limit.")
    used = serializers.IntegerField(help_text="Octets, with what is reserved for mail on its way.")
    messages = serializers.IntegerField()
    has_factor = serializers.BooleanField(help_text="It signs in with a second factor.")
    addresses = serializers.ListField(
        child=serializers.CharField(), help_text="All that mail comes to, and may be sent from."
    )


class OwnVacationForm(Form):
    """What people are told while one is away."""

    is_on = serializers.BooleanField(default=True)
    subject = Text(max_length=SUBJECT_MOST, allow_blank=True, default="")
    text = Text(max_length=TEXT_MOST, allow_blank=True, trim_whitespace=False, default="")
    outside_text = Text(
        max_length=TEXT_MOST,
        allow_blank=True,
        trim_whitespace=False,
        default="",
        help_text="For those outside of the organisation, where `audience` is `split`.",
    )
    audience = serializers.ChoiceField(Audience.choices, default=Audience.EVERYONE)
    starts_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Null is at once."
    )
    ends_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Null is until it is turned off."
    )
    days = serializers.ChoiceField(
        [(one, str(one)) for one in DAYS],
        default=7,
        help_text="After how many days the same person is told again.",
    )


class OwnVacationShown(Shown):
    """The same as it stands."""

    is_on = serializers.BooleanField()
    subject = serializers.CharField()
    text = serializers.CharField()
    outside_text = serializers.CharField()
    audience = serializers.ChoiceField(Audience.choices)
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    days = serializers.IntegerField()


class OwnForwardForm(Form):
    """Where mail is to be sent on to."""

    address = Text(max_length=400)
    keeps_copy = serializers.BooleanField(default=True, help_text="The mailbox gets the mail too.")


class OwnForwardShown(Shown):
    """A forward."""

    id = serializers.IntegerField()
    address = serializers.CharField()
    keeps_copy = serializers.BooleanField()
    has_agreed = serializers.BooleanField(help_text="Its target gets nothing before it has.")
    asked_at = serializers.DateTimeField()


class OwnForwardsShown(Shown):
    """All of them."""

    items = OwnForwardShown(many=True)


class OwnAppPasswordForm(BoundForm):
    """A password for one mail program."""

    name = Text(max_length=100, help_text="What it is for; no other of yours has this name.")
    protocols = serializers.ListField(
        child=serializers.ChoiceField([(one, one) for one in PROTOCOLS]),
        max_length=len(PROTOCOLS),
        default=list,
        help_text="What it opens; none is all.",
    )


class OwnAppPasswordShown(Shown):
    """An app password; its text was shown once, when it was made."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    protocols = serializers.ListField(child=serializers.CharField())
    networks = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    has_expired = serializers.BooleanField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    last_used_from = serializers.CharField()


class NewAppPasswordShown(OwnAppPasswordShown):
    """One that was just made."""

    password = serializers.CharField(help_text="Its text: the only time that it is shown.")


class OwnAppPasswordsShown(Shown):
    """All of them, the oldest first."""

    items = OwnAppPasswordShown(many=True)
