"""Lists for people who administer: domains, users, aliases.

Each is a generator over pages of 1,000 rows by key, so that memory does not grow with the
installation, no cursor stays open while a reader is slow, and the order is the same every time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Exists, FloatField, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone

from apps.directory.models import (
    Alias,
    AliasTarget,
    Domain,
    DomainKind,
    Forward,
    PatternKind,
    RoleGrant,
    Transport,
    User,
    UserState,
)
from apps.directory.services import domains as directory_domains
from apps.directory.services import users as directory_users
from apps.directory.services.aliases import Pattern
from apps.directory.services.forwards import LIFETIME
from apps.wire.errors import NotFound

PAGE: Final = 1_000
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A domain with the numbers of what is in it; tombstones are in none. The policies of an alias
    domain are those of the domain that it stands for: None here."""

    name: str
    organization: str
    state: str
    alias_of: str | None
    users: int
    aliases: int
    kind: str  # hosted; relay, with how its recipients are known
    dmarc_policy: str | None
    list_policy: str | None
    greylisting: str | None


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user with its space; sizes in bytes, quota 0 is no limit."""

    address: str
    name: str
    kind: str
    state: str
    roles: list[str]
    quota: int
    used: int
    messages: int
    created_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AliasRow:
    """An alias and where it leads."""

    pattern: str
    targets: list[str]
    state: str


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One address of a list."""

    address: str


@dataclass(frozen=True, slots=True)
class TransportRow:
    """A transport; nobody is shown its password."""

    scope: str
    domain: str
    server: str
    tls: str
    username: str


@dataclass(frozen=True, slots=True)
class ForwardRow:
    """A user's wish to have mail sent on."""

    user: str
    target: str
    copy: str
    state: str  # agreed, asked, not answered


def domains() -> Iterator[DomainRow]:
    """All domains by name; three statements a page."""
    columns = ("pk", "organization__name", "state", "alias_of__name", "kind", "relay_check")
    policies = ("dmarc_policy", "list_policy", "greylists")
    for page in _pages(Domain.objects.all(), "name", "", (*columns, *policies)):
        ids = [row[1] for row in page]
        users = _counts(User.objects.filter(domain__in=ids))
        aliases = _counts(Alias.objects.filter(domain__in=ids))
        for name, pk, organization, state, alias_of, kind, check, dmarc, lists, greylists in page:
            yield DomainRow(
                name,
                organization,
                state,
                alias_of,
                users.get(pk, 0),
                aliases.get(pk, 0),
                f"{kind} ({check})" if kind == DomainKind.RELAY else kind,
                *_policies(alias_of, dmarc, lists, greylists),
            )


def _policies(
    alias_of: str | None, dmarc: str, lists: str, greylists: bool
) -> tuple[str | None, str | None, str | None]:
    if alias_of is not None:
        return None, None, None
    return dmarc, lists, "on" if greylists else "off"


def users(*, domain: str | None = None, over: int | None = None) -> Iterator[UserRow]:
    """All users, or those of a domain, by key; two statements a page.

    Args:
        over: only whose mailbox has reached so many percent of its quota.

    Raises:
        InvalidName, NotFound: the domain.
    """
    wanted = User.objects.living()
    if domain is not None:
        wanted = wanted.filter(domain=directory_domains.find(domain))
    if over is not None:
        # In floating point: a hundred times a quota may be more than the database can count.
        least = Cast("quota", FloatField()) * (over / 100)
        wanted = wanted.filter(quota__gt=0, usage__size__gte=least)
    for page in _pages(wanted, "key", "", _USER):
        yield from _user_rows(page)


def removed_users() -> Iterator[UserRow]:
    """All tombstones, the first user first; two statements a page."""
    for page in _pages(User.objects.filter(state=UserState.REMOVED), "pk", 0, _USER):
        yield from _user_rows(page)


def aliases(*, domain: str | None = None, only_groups: bool = False) -> Iterator[AliasRow]:
    """All aliases, or those of a domain, by domain and pattern; two statements a page.

    Args:
        only_groups: those that are exact addresses with more than one target.

    Raises:
        InvalidName, NotFound: the domain.
    """
    wanted = Alias.objects.order_by("domain__name", "local")
    if only_groups:
        several = AliasTarget.objects.filter(alias=OuterRef("pk"))[1:2]
        wanted = wanted.filter(Exists(several), kind=PatternKind.EXACT)
    if domain is not None:
        wanted = wanted.filter(domain=directory_domains.find(domain))
    after = Q()
    while True:
        page = list(
            wanted.filter(after).values_list("domain__name", "local", "pk", "kind", "state")[:PAGE]
        )
        targets = _targets([row[2] for row in page])
        for name, local, pk, kind, state in page:
            pattern = Pattern(PatternKind(kind), local, name)
            yield AliasRow(str(pattern), targets.get(pk, []), state)
        if len(page) < PAGE:
            return
        name, local = page[-1][:2]
        after = Q(domain__name__gt=name) | Q(domain__name=name, local__gt=local)


def members(group: str) -> list[AddressRow]:
    """The targets of an alias, in the order in which they came.

    Raises:
        InvalidAddress, NotFound
    """
    pattern = Pattern.parse(group)
    found = Alias.objects.filter(domain__name=pattern.domain, local=pattern.local).first()
    if found is None:
        raise NotFound(f"alias {pattern}", text=f"There is no group {pattern}")
    return [AddressRow(address) for address in _targets([found.pk]).get(found.pk, [])]


def relay_recipients(domain: str) -> Iterator[AddressRow]:
    """Whom the other server of a relay domain has, by the list kept here; a statement a page.

    Raises:
        InvalidName, NotFound: the domain.
    """
    found = directory_domains.find(domain)
    for page in _pages(found.relay_recipients.all(), "key", "", ()):
        for (key,) in page:
            yield AddressRow(key)


def transports() -> Iterator[TransportRow]:
    """All transports in the order in which they were added; a statement a page."""
    columns = ("scope", "domain", "protocol", "host", "port", "tls", "username")
    for page in _pages(Transport.objects.all(), "pk", 0, columns):
        for _, scope, domain, protocol, host, port, tls, username in page:
            shown = f"[{host}]" if ":" in host else host
            yield TransportRow(scope, domain, f"{protocol}:{shown}:{port}", tls, username)


def forwards(*, user: str | None = None) -> Iterator[ForwardRow]:
    """All forwards, or those of a user, in the order in which they were wished for.

    Raises:
        InvalidAddress, NotFound: the user.
    """
    wanted = Forward.objects.exclude(user__state=UserState.REMOVED)
    if user is not None:
        wanted = wanted.filter(user=directory_users.find(user))
    # Those that were refused or taken back stay for a day, and are none.
    wanted = wanted.exclude(confirmed_at=None, digest=b"")
    columns = ("user__address", "address", "keeps_copy", "confirmed_at", "asked_at")
    for page in _pages(wanted, "pk", 0, columns):
        for _, owner, address, keeps_copy, confirmed_at, asked_at in page:
            state = "agreed" if confirmed_at else "asked"
            if not confirmed_at and timezone.now() - asked_at >= LIFETIME:
                state = "not answered"
            yield ForwardRow(owner, address, "copy" if keeps_copy else "no copy", state)


_USER: Final = (
    "pk",
    "address",
    "name",
    "kind",
    "state",
    "quota",
    "usage__size",
    "usage__messages",
    "created_at",
    "removed_at",
)


def _user_rows(page: list[Row]) -> Iterator[UserRow]:
    roles: dict[int, list[str]] = {}
    grants = RoleGrant.objects.filter(user__in=[row[1] for row in page]).order_by("pk")
    for user_id, role, domain in grants.values_list("user_id", "role", "domain__name"):
        roles.setdefault(user_id, []).append(f"{role} of {domain}" if domain else role)
    for _, pk, address, name, kind, state, quota, used, messages, created, removed in page:
        yield UserRow(
            address=address,
            name=name,
            kind=kind,
            state=state,
            roles=roles.get(pk, []),
            quota=quota,
            used=used or 0,
            messages=messages or 0,
            created_at=created,
            removed_at=removed,
        )


def _pages(
    rows: QuerySet[Any], by: str, first: str | int, columns: tuple[str, ...]
) -> Iterator[list[Row]]:
    """Pages of rows in the order of a unique column, which is the first value of each."""
    last: Any = first
    while True:
        after = rows.filter(**{f"{by}__gt": last}).order_by(by)
        page = list(after.values_list(by, *columns)[:PAGE])
        if page:
            yield page
        if len(page) < PAGE:
            return
        last = page[-1][0]


def _counts(rows: QuerySet[Any]) -> dict[int, int]:
    """How many rows each domain has."""
    return dict(rows.order_by().values_list("domain_id").annotate(Count("pk")))


def _targets(alias_ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = AliasTarget.objects.filter(alias__in=alias_ids).order_by("pk")
    for alias_id, address in rows.values_list("alias_id", "address"):
        found.setdefault(alias_id, []).append(address)
    return found
