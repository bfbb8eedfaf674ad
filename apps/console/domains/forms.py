"""What administrators fill in about domains. Whether it is allowed, the doors say."""

from datetime import UTC, datetime, time
from typing import Any, Final

from django import forms

from apps.console.forms import GIGABYTE, SpaceField, shown_space
from apps.console.seen import SeenForm
from apps.directory.limits import FIELDS, UNBOUNDED
from apps.directory.models import Demand, Domain, SendLimit, Sternness, Transport, TransportTls
from apps.directory.services.domains import SEPARATORS, Reception
from apps.directory.services.limits import HIGHEST
from apps.directory.services.signinrules import LONGEST, SHORTEST, SignInRules
from apps.directory.services.transports import MAX_PASSWORD, Server

MAX_NAME: Final = 253
OWN, MIRROR, RELAY = "own", "mirror", "relay"
_KINDS: Final = {
    OWN: "Have its own users and addresses",
    MIRROR: "Mirror another domain: every address there works here too",
    RELAY: "Relay: take and filter its mail, then pass it to another server",
}
_STERN: Final = (
    (Sternness.REJECT, "Refuse it"),
    (Sternness.JUNK, "Put it into Junk"),
    (Sternness.REPORT, "Deliver it, and note it in the header"),
)
_DIGESTS: Final = (
    ("", "As usual here"),
    ("daily", "Every day"),
    ("weekly", "Every week"),
    ("never", "Never"),
)
_DEMANDS: Final = (
    (Demand.NOBODY, "Nobody: everybody may"),
    (Demand.ADMINISTRATORS, "Whoever has a role"),
    (Demand.EVERYBODY, "Everybody"),
)
_DETAILS: Final = {"+": "plus", "-": "hyphen", "_": "underscore", "=": "equals sign"} | {
    "#": "number sign",
    ".": "dot",
}


class AddDomainForm(forms.Form):
    """A new domain. The organisation only for who has several, the relay for operators."""

    name = forms.CharField(label="Domain name", max_length=MAX_NAME)
    kind = forms.ChoiceField(label="What shall it do?", choices=list(_KINDS.items()), initial=OWN)
    alias_of = forms.CharField(label="Domain to mirror", max_length=MAX_NAME, required=False)
    host = forms.CharField(label="The server behind it", max_length=MAX_NAME, required=False)
    organization = forms.CharField(label="Organisation", max_length=200, required=False)

    def __init__(self, *args: Any, relays: bool, organizations: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not relays:
            del self.fields["host"]
            kind = self.fields["kind"]
            assert isinstance(kind, forms.ChoiceField)
            kind.choices = [(key, words) for key, words in _KINDS.items() if key != RELAY]
        if not organizations:
            del self.fields["organization"]

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if values.get("kind") == MIRROR and not values.get("alias_of"):
            self.add_error("alias_of", "Say which domain it mirrors.")
        if values.get("kind") == OWN and not values.get("organization", "-"):
            self.add_error("organization", "Say to which organisation the domain belongs.")
        return values


class PoliciesForm(SeenForm):
    """How a domain takes mail and lets people in."""

    dmarc_policy = forms.ChoiceField(label="Mail that fails DMARC", choices=_STERN)
    list_policy = forms.ChoiceField(label="Mail from hosts on block lists", choices=_STERN)
    greylists = forms.BooleanField(
        label="Ask mail that looks doubtful to come back later", required=False
    )
    adds_sender = forms.BooleanField(
        label="Let people write From other addresses, and add who sent it", required=False
    )
    separator = forms.ChoiceField(
        label="Details in addresses",
        choices=[
            ("", "None"),
            *((sign, f"alice{sign}shop@ ({_DETAILS[sign]})") for sign in SEPARATORS),
        ],
        required=False,
    )
    space = SpaceField(label="Space of new users in GB")
    digest = forms.ChoiceField(
        label="Digests of mail that is held back", choices=_DIGESTS, required=False
    )
    factor_demand = forms.ChoiceField(label="Who needs a second factor", choices=_DEMANDS)
    factor_due = forms.DateField(label="From this day on (UTC)", required=False)
    password_length = forms.IntegerField(
        label="Fewest characters of a new password", required=False, min_value=0, max_value=LONGEST
    )

    @classmethod
    def of(cls, domain: Domain, data: Any = None) -> "PoliciesForm":
        """The form with what is so now."""
        due, quota = domain.factor_due_at, domain.default_quota
        return cls(
            data,
            initial={
                "dmarc_policy": domain.dmarc_policy,
                "list_policy": domain.list_policy,
                "greylists": domain.greylists,
                "adds_sender": domain.adds_sender,
                "separator": domain.detail_separator,
                "digest": domain.digest,
                "space": None if quota is None else shown_space(quota),
                "factor_demand": domain.factor_demand,
                "factor_due": None if due is None else due.date(),
                "password_length": domain.password_length,
            },
        )

    def clean_password_length(self) -> int:
        length: int = self.cleaned_data["password_length"] or 0
        if length and length < SHORTEST:
            raise forms.ValidationError(f"At least {SHORTEST}, or nothing for the installation's.")
        return length

    def changes(self) -> dict[str, Any]:
        """What is to change, as the door takes it; what is as it was is left out."""
        values, changed = self.cleaned_data, self.touched
        asked: dict[str, Any] = {}
        if "separator" in changed:
            asked["separator"] = values["separator"]
        if "space" in changed:
            space = values["space"]
            asked["default_quota"] = None if space is None else int(space * GIGABYTE)
        if "adds_sender" in changed:
            asked["adds_sender"] = values["adds_sender"]
        if "digest" in changed:
            asked["digest"] = values["digest"]
        if changed & {"dmarc_policy", "list_policy", "greylists"}:
            asked["reception"] = Reception(
                dmarc_policy=_stern(values, changed, "dmarc_policy"),
                list_policy=_stern(values, changed, "list_policy"),
                greylists=values["greylists"] if "greylists" in changed else None,
            )
        if changed & {"factor_demand", "factor_due", "password_length"}:
            asked["sign_in"] = self._sign_in(changed)
        return asked

    def _sign_in(self, changed: set[str]) -> SignInRules:
        values = self.cleaned_data
        demands = bool(changed & {"factor_demand", "factor_due"})
        # Both are written together: what was not touched is as it is now.
        demand = (
            values["factor_demand"] if "factor_demand" in changed else self.initial["factor_demand"]
        )
        due = values["factor_due"] if "factor_due" in changed else self.initial["factor_due"]
        return SignInRules(
            factor_demand=Demand(demand) if demands else None,
            factor_due_at=None if due is None else datetime.combine(due, time.min, UTC),
            password_length=values["password_length"] if "password_length" in changed else None,
        )


def _stern(values: dict[str, Any], changed: set[str], name: str) -> Sternness | None:
    return Sternness(values[name]) if name in changed else None


class LimitsForm(SeenForm):
    """How much a domain may send; nothing is no limit."""

    def __init__(self, data: Any = None, *, limit: SendLimit | None) -> None:
        super().__init__(data, initial={name: getattr(limit, name, None) for name in FIELDS})
        for name in FIELDS:
            most = UNBOUNDED if name == "recipients_per_message" else HIGHEST
            self.fields[name] = forms.IntegerField(
                label=name.replace("_", " ").capitalize(),
                required=False,
                min_value=0,
                max_value=most,
            )


class ServerForm(forms.Form):
    """Another server that mail goes through; its password is never shown."""

    host = forms.CharField(label="Server", max_length=MAX_NAME)
    port = forms.IntegerField(label="Port", required=False, min_value=1, max_value=65535)
    tls = forms.ChoiceField(
        label="TLS",
        choices=[
            (TransportTls.VERIFY, "Encrypted, certificate verified"),
            (TransportTls.IMPLICIT, "TLS from the start, verified"),
            (TransportTls.ENCRYPT, "Encrypted, certificate not verified"),
            (TransportTls.OPPORTUNISTIC, "Encrypted where it can be"),
            (TransportTls.NONE, "Not encrypted"),
        ],
    )
    username = forms.CharField(label="User name", max_length=320, required=False)
    password = forms.CharField(
        label="Password", max_length=MAX_PASSWORD, required=False, strip=False
    )

    @classmethod
    def of(cls, transport: Transport | None, data: Any = None) -> "ServerForm":
        """The form with what is so now."""
        names = ("host", "port", "tls", "username")
        now = {name: getattr(transport, name) for name in names} if transport else {}
        return cls(data, initial=now)

    def server(self) -> Server:
        """As the door takes it."""
        values = self.cleaned_data
        return Server(
            host=values["host"],
            port=values["port"],
            tls=TransportTls(values["tls"]),
            username=values["username"],
            password=values["password"],
        )
