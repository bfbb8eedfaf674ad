"""What a user may send and with which passwords, as the commands show it.

Texts come in as people write them; the rules are the directory's services'.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from apps.directory import apppasswords, authority, limits, tokens
from apps.directory.limits import FIELDS
from apps.directory.models import Delegation, Domain, Organization, SendLimit, User
from apps.directory.services import domains, users
from apps.mime.address import Address, AddressError
from apps.wire.errors import NotFound

USER: Final = "user"
DOMAIN: Final = "domain"
ORGANIZATION: Final = "organization"


@dataclass(frozen=True, slots=True)
class AppPasswordRow:
    """An app password; "" and empty lists: any."""

    name: str
    protocols: list[str]
    networks: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An access token."""

    name: str
    scopes: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str


@dataclass(frozen=True, slots=True)
class DelegationRow:
    """Who may write in whose name."""

    owner: str
    delegate: str
    send_as: bool
    on_behalf: bool


@dataclass(frozen=True, slots=True)
class LimitRow:
    """The limits of one scope as they were set; None: not set, 0: no limit."""

    kind: str
    name: str
    messages_per_hour: int | None
    messages_per_day: int | None
    recipients_per_hour: int | None
    recipients_per_day: int | None
    recipients_per_message: int | None


@dataclass(frozen=True, slots=True)
class MeterRow:
    """What was sent in the hour or day that runs, against what may be; 0 is no limit."""

    scope: str
    per: str
    messages: int
    most_messages: int
    recipients: int
    most_recipients: int
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """Who a limit is for: exactly one of the three."""

    user: User | None = None
    domain: Domain | None = None
    organization: Organization | None = None

    @property
    def name(self) -> str:
        return str(self.user or self.domain or self.organization)


def scope(text: str, *, is_organization: bool = False) -> Scope:
    """Return who a text means: a user's address, a domain, or an organisation's name.

    Raises:
        InvalidAddress, InvalidName, NotFound
    """
    if is_organization:
        found = Organization.objects.filter(name=text).first()
        if found is None:
            raise NotFound("organisation", text=f"There is no organisation {text}")
        return Scope(organization=found)
    try:
        Address.parse(text.strip())
    except AddressError:
        return Scope(domain=domains.find(text))
    return Scope(user=users.find(text))


def app_password_rows(user: User) -> list[AppPasswordRow]:
    """The app passwords of a user, oldest first."""
    return [
        AppPasswordRow(
            name=known.name,
            protocols=sorted(known.protocols),
            networks=list(known.networks),
            expires_at=known.expires_at,
            last_used_at=known.last_used_at,
            last_used_from=known.last_used_from,
        )
        for known in apppasswords.of_user(user.pk)
    ]


def token_rows(user: User) -> list[TokenRow]:
    """The access tokens of a user, oldest first."""
    return [
        TokenRow(
            name=known.name,
            scopes=sorted(known.scopes),
            expires_at=known.expires_at,
            last_used_at=known.last_used_at,
            last_used_from=known.last_used_from,
        )
        for known in tokens.of_user(user.pk)
    ]


def delegation_rows(owner: User | None = None, delegate: User | None = None) -> list[DelegationRow]:
    """Delegations, in order of the owners' addresses."""
    return [
        delegation_row(found) for found in authority.delegations(owner=owner, delegate=delegate)
    ]


def delegation_row(found: Delegation) -> DelegationRow:
    """One of them."""
    return DelegationRow(
        found.owner.address,
        found.delegate.address,
        found.may_send_as,
        found.may_send_on_behalf,
    )


def limit_rows() -> list[LimitRow]:
    """All limits that were set: users first, then domains, then organisations, by name."""
    rows = [
        limit_row(found)
        for found in SendLimit.objects.select_related("user", "domain", "organization")
    ]
    order = (USER, DOMAIN, ORGANIZATION)
    return sorted(rows, key=lambda row: (order.index(row.kind), row.name))


def limit_row(found: SendLimit) -> LimitRow:
    """One of them."""
    kind = USER if found.user_id else DOMAIN if found.domain_id else ORGANIZATION
    return LimitRow(kind, str(getattr(found, kind)), *(getattr(found, name) for name in FIELDS))


def meter_rows(user: User) -> list[MeterRow]:
    """What bounds a user's mail now: its own limits, its domain's and its organisation's."""
    meters = limits.limits_of([user.pk])[user.pk].meters
    sent = limits.counts(meters)
    return [
        MeterRow(
            scope=meter.scope.partition("/")[0],
            per=meter.span,
            messages=sent.get(meter.key, (0, 0))[0],
            most_messages=meter.messages,
            recipients=sent.get(meter.key, (0, 0))[1],
            most_recipients=meter.recipients,
            ends_at=datetime.fromtimestamp(meter.ends_at, UTC),
        )
        for meter in meters
    ]
