"""What is sent and shown of policies."""

from typing import Any, Final

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.api.servers import ServerForm
from apps.directory.models import TransportProtocol, TransportScope, TransportTls
from apps.remote.models import TlsMode
from apps.scan.attachments.policy import ACTIONS, What
from apps.scan.models import EntryKind, Verb
from apps.scan.services.lists import NOTE_LENGTH
from apps.scan.services.rulepoints import HIGHEST as MOST_POINTS
from apps.scan.services.rulepoints import LOWEST
from apps.scan.services.thresholds import HIGHEST

LONGEST_NAME: Final = 254
LONGEST_SENDER: Final = 320
MOST_SENDERS: Final = 1_000  # of one request
MOST_NAMES: Final = 20
_THRESHOLDS: Final = {
    "junk": "From so many points on mail goes to Junk",
    "refuse": "From so many points on mail is refused",
    "hold": "From so many points on what is sent from here is held",
}


class FilterChange(Form):
    """What is changed of the filter: what is left out stays as it is, null is what counts more
    widely."""

    is_filtered = serializers.BooleanField(
        required=False, allow_null=True, help_text="Whether spam is filtered at all."
    )

    def get_fields(self) -> dict[str, Any]:
        """One for each threshold too."""
        points = {
            name: serializers.FloatField(
                min_value=0,
                max_value=HIGHEST,
                required=False,
                allow_null=True,
                help_text=f"{words}; 0 is never.",
            )
            for name, words in _THRESHOLDS.items()
        }
        return {**points, **super().get_fields()}


class FilterCountsShown(Shown):
    """What counts in the end, whoever has set it."""

    is_filtered = serializers.BooleanField()

    def get_fields(self) -> dict[str, Any]:
        """One for each threshold too."""
        return {
            **{
                name: serializers.FloatField(help_text=f"{words}; 0 is never.")
                for name, words in _THRESHOLDS.items()
            },
            **super().get_fields(),
        }


class FilterShown(Shown):
    """What is set here; null is what counts more widely."""

    is_filtered = serializers.BooleanField(allow_null=True)
    counts = FilterCountsShown()

    def get_fields(self) -> dict[str, Any]:
        """One for each threshold too."""
        return {
            **{
                name: serializers.FloatField(allow_null=True, help_text=f"{words}; 0 is never.")
                for name, words in _THRESHOLDS.items()
            },
            **super().get_fields(),
        }


class FilePolicySought(Form):
    """Which entry is taken back."""

    what = serializers.ChoiceField(
        [(one.value, one.value) for one in What],
        help_text="`ending` of the name, declared `type`, `kind` by content, `group` by what"
        " opening it does, or a `condition`.",
    )
    value = Text(max_length=100, help_text="`exe`, `application/zip`, `program`, `encrypted`, …")


class FilePolicyForm(FilePolicySought):
    """What is done with files of one sort."""

    action = serializers.ChoiceField([(one, one) for one in ACTIONS])


class FilePolicyShown(Shown):
    """What is done with files of one sort."""

    what = serializers.CharField()
    value = serializers.CharField()
    action = serializers.CharField()


class FilePoliciesShown(Shown):
    """What is set here."""

    items = FilePolicyShown(many=True)
    usual = FilePolicyShown(many=True, help_text="What is done where nobody has said anything.")


class SendersSought(Sought):
    """Which senders are listed."""

    verb = serializers.ChoiceField(Verb.choices, required=False)
    text = Text(
        max_length=LONGEST_SENDER, required=False, help_text="Part of a sender or of a note."
    )


class SendersForm(Form):
    """Senders who are allowed or blocked, all of them or none."""

    verb = serializers.ChoiceField(Verb.choices)
    senders = serializers.ListField(
        child=Text(max_length=LONGEST_SENDER),
        min_length=1,
        max_length=MOST_SENDERS,
        help_text="Addresses, domains with all below them, IP addresses or networks.",
    )
    note = Text(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)


class SenderSought(Form):
    """Who is taken out of the list."""

    sender = Text(max_length=LONGEST_SENDER)


class ListedSenderShown(Shown):
    """A sender of a list."""

    value = serializers.CharField()
    verb = serializers.ChoiceField(Verb.choices)
    kind = serializers.ChoiceField(EntryKind.choices)
    note = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField(allow_null=True)


class ListedSenderAdded(Shown):
    """A sender who is in the list now."""

    value = serializers.CharField(help_text="As it is kept.")
    verb = serializers.ChoiceField(Verb.choices)
    replaced = serializers.CharField(
        allow_null=True, help_text="What was said of them before; null for nothing."
    )


class SendersAdded(Shown):
    """Who was added."""

    items = ListedSenderAdded(many=True)


class FilterRuleShown(Shown):
    """A rule of the filter."""

    rule = serializers.CharField()
    points = serializers.FloatField(help_text="What it counts here.")
    usual = serializers.CharField(help_text="What it usually counts, in words.")
    means = serializers.CharField(allow_blank=True)


class FilterRulesShown(Shown):
    """All rules, those first for which something is set."""

    items = FilterRuleShown(many=True)


class FilterRuleForm(Form):
    """What a rule counts."""

    points = serializers.FloatField(
        min_value=LOWEST, max_value=MOST_POINTS, help_text="0 lets it count nothing."
    )


class TlsPolicySought(Form):
    """Of which domain it is taken back."""

    domain = Text(max_length=LONGEST_NAME, help_text="With a dot before it: all below that domain.")


class TlsPolicyForm(TlsPolicySought):
    """What TLS mail to a domain must have."""

    mode = serializers.ChoiceField(
        TlsMode.choices,
        help_text="`none`: never; `opportunistic`: if it works; `encrypt`: whoever answers;"
        " `verify`: with a trusted certificate; `dane`: DANE or nothing.",
    )
    names = serializers.ListField(
        child=Text(max_length=LONGEST_NAME),
        max_length=MOST_NAMES,
        required=False,
        default=list,
        help_text="What the certificate may say instead, for `verify`.",
    )


class TlsPolicyShown(Shown):
    """What TLS mail to a domain must have."""

    domain = serializers.CharField()
    mode = serializers.ChoiceField(TlsMode.choices)
    names = serializers.ListField(child=serializers.CharField())


class TlsPoliciesShown(Shown):
    """All of them."""

    items = TlsPolicyShown(many=True)


class TransportSought(Form):
    """Which transport is removed."""

    scope = serializers.ChoiceField(
        TransportScope.choices,
        help_text="`recipient`: mail to a domain; `sender`: mail from one that is hosted here;"
        " `all`: all mail to other servers.",
    )
    domain = Text(
        max_length=LONGEST_NAME,
        required=False,
        default="",
        allow_blank=True,
        help_text="Of `recipient` with a dot before it: all below that domain too. None of `all`.",
    )


class TransportForm(TransportSought, ServerForm):
    """A server to which mail is handed instead of those that MX records name."""

    protocol = serializers.ChoiceField(
        TransportProtocol.choices, required=False, default=TransportProtocol.SMTP
    )


class TransportShown(Shown):
    """A transport; nobody is shown its password."""

    scope = serializers.ChoiceField(TransportScope.choices)
    domain = serializers.CharField(allow_blank=True)
    host = serializers.CharField()
    port = serializers.IntegerField()
    protocol = serializers.ChoiceField(TransportProtocol.choices)
    tls = serializers.ChoiceField(TransportTls.choices)
    username = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class RouteSought(Form):
    """For which address it is asked."""

    address = Text(max_length=LONGEST_SENDER)


class RouteStopShown(Shown):
    """An address on the way."""

    address = serializers.CharField()
    text = serializers.CharField(help_text="What decides here.")
    rule = serializers.CharField(
        allow_blank=True, help_text="The same as a word; empty where nothing is told."
    )
    leads_to = serializers.ListField(child=serializers.CharField())
    is_hidden = serializers.BooleanField(help_text="It lies in no domain of yours.")
    is_bad = serializers.BooleanField(help_text="Mail ends here, and nobody gets it.")


class RouteCopyShown(Shown):
    """A copy that leaves this server."""

    address = serializers.CharField()
    text = serializers.CharField(help_text="By which server.")


class RouteShown(Shown):
    """What would become of mail for an address now."""

    address = serializers.CharField()
    stops = RouteStopShown(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    is_told_whole = serializers.BooleanField(
        help_text="Whether no stop is hidden; else what comes of it is not told."
    )
    is_taken = serializers.BooleanField()
    verdict = serializers.CharField(allow_blank=True, help_text="What a client would be told.")
    mailboxes = serializers.ListField(child=serializers.CharField())
    copies = RouteCopyShown(many=True, help_text="Operators alone are told.")
