"""What is sent and shown of domains."""

from typing import Final

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.directory.models import Demand, DomainKind, State, Sternness, StsMode
from apps.directory.services.domains import DIGESTS, SEPARATORS
from apps.directory.services.signinrules import LONGEST

LONGEST_NAME: Final = 253
_STERN: Final = "`reject`: refused; `junk`: put into Junk; `report`: delivered, and noted."


class DomainForm(Form):
    """A domain to host."""

    name = Text(max_length=LONGEST_NAME, help_text="In its own letters or as the DNS has it.")
    organization = serializers.IntegerField(
        min_value=1,
        required=False,
        help_text="Id of the organisation that it shall belong to; needed where there are several.",
    )
    alias_of = Text(
        max_length=LONGEST_NAME,
        required=False,
        help_text="Name of a domain: every address there works in the new one too.",
    )


class DomainChange(Form):
    """What is changed of a domain: what is left out stays as it is. A domain that stands for
    another one has no settings of its own, only a state."""

    state = serializers.ChoiceField(
        State.choices,
        required=False,
        help_text="`locked`: nobody signs in, mail is received. `suspended`: mail is refused too.",
    )
    detail_separator = serializers.ChoiceField(
        [("", "none"), *((sign, sign) for sign in SEPARATORS)],
        required=False,
        help_text="What begins a detail: alice+shop@ goes to alice@; empty for none.",
    )
    default_quota = serializers.IntegerField(
        min_value=0,
        max_value=2**62,
        required=False,
        allow_null=True,
        help_text="Octets of new users; null is the installation's.",
    )
    adds_sender = serializers.BooleanField(
        required=False,
        help_text="Mail from other addresses than the own ones is sent, with a Sender field.",
    )
    dmarc_policy = serializers.ChoiceField(
        Sternness.choices, required=False, help_text=f"Mail that fails DMARC. {_STERN}"
    )
    list_policy = serializers.ChoiceField(
        Sternness.choices, required=False, help_text=f"Mail of hosts on block lists. {_STERN}"
    )
    greylists = serializers.BooleanField(
        required=False, help_text="Mail that looks doubtful is asked to come back."
    )
    digest = serializers.ChoiceField(
        [("", "as usual here"), *((one, one) for one in DIGESTS if one)],
        required=False,
        help_text="How often users are told of held mail; empty is the installation's.",
    )
    factor_demand = serializers.ChoiceField(
        Demand.choices, required=False, help_text="Who needs a second factor."
    )
    factor_due_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="From when on; null is at once."
    )
    password_length = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST,
        required=False,
        allow_null=True,
        help_text="Fewest characters of a new password; null is the installation's.",
    )
    sts_mode = serializers.ChoiceField(
        StsMode.choices, required=False, help_text="What its MTA-STS policy asks of senders."
    )


class DomainSought(Sought):
    """Which domains are listed."""

    name = Text(max_length=LONGEST_NAME, required=False, help_text="This one.")
    begins = Text(max_length=LONGEST_NAME, required=False, help_text="Those whose names begin so.")
    organization = serializers.IntegerField(
        min_value=1, required=False, help_text="Those of this organisation."
    )
    alias_of = serializers.IntegerField(
        min_value=1, required=False, help_text="Those that stand for this domain."
    )
    state = serializers.ChoiceField(State.choices, required=False)
    needs_work = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Those with wrong DNS records."
    )


class DomainShown(Shown):
    """A domain."""

    id = serializers.IntegerField()
    name = serializers.CharField(help_text="As the DNS has it.")
    display_name = serializers.CharField(help_text="In its own letters.")
    organization = serializers.IntegerField(
        allow_null=True, help_text="Id; null where it is out of sight."
    )
    alias_of = serializers.CharField(allow_null=True, help_text="The domain that it stands for.")
    kind = serializers.ChoiceField(
        DomainKind.choices, help_text="`relay`: its mail is handed on to another server."
    )
    state = serializers.ChoiceField(State.choices)
    detail_separator = serializers.CharField()
    default_quota = serializers.IntegerField(allow_null=True, help_text="Octets.")
    adds_sender = serializers.BooleanField()
    dmarc_policy = serializers.ChoiceField(Sternness.choices)
    list_policy = serializers.ChoiceField(Sternness.choices)
    greylists = serializers.BooleanField()
    digest = serializers.CharField()
    factor_demand = serializers.ChoiceField(Demand.choices)
    factor_due_at = serializers.DateTimeField(allow_null=True)
    password_length = serializers.IntegerField(allow_null=True)
    sts_mode = serializers.ChoiceField(StsMode.choices)
    created_at = serializers.DateTimeField()


class DomainRename(Form):
    """Another name."""

    name = Text(max_length=LONGEST_NAME)
    keeps_alias = serializers.BooleanField(
        default=True, help_text="The old name becomes an alias domain: its addresses go on to work."
    )


class SourceForm(Form):
    """Whose settings are taken over."""

    domain = Text(max_length=LONGEST_NAME, help_text="Name of a domain in sight.")


class Removal(Form):
    """How a domain is removed."""

    force = serializers.BooleanField(
        default=False, help_text="With its users, whose mail is kept for a while, and its aliases."
    )


class TrialForm(Form):
    """Whom a test of delivery is for."""

    to = Text(
        max_length=320,
        help_text="The own address, or one of the domain; without an @ it is one of the domain.",
    )


class TrialShown(Shown):
    """A letter that is on its way."""

    to = serializers.CharField()
    trace = serializers.CharField(help_text="Id of its trace, which tells what became of it.")
    sent_at = serializers.DateTimeField()


class DomainUsage(Shown):
    """What a domain holds."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    users = serializers.IntegerField(help_text="Users of every kind.")
    aliases = serializers.IntegerField(help_text="Aliases, groups and patterns.")
    alias_domains = serializers.IntegerField(help_text="Domains that stand for it.")
    promised = serializers.IntegerField(help_text="Octets: the sum of its users' quotas.")
    used = serializers.IntegerField(help_text="Octets that mail takes.")
    messages = serializers.IntegerField(help_text="How many messages these are.")
