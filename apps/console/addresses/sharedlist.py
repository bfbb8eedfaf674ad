"""Shared mailboxes as the console lists them: a page by key, filtered in the database, in three
statements however many there are."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from apps.console.typed import typed
from apps.directory import permissions
from apps.directory.models import Delegation, Kind, User, UserState
from apps.directory.permissions import Powers
from apps.directory.services.names import POSTMASTER
from apps.mailstore.models import MailboxRight

PAGE: Final = 50
MAX_TEXT: Final = 320


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; "" asks for anything.

    Args:
        text: part of an address or a name.
        after: the key of the last mailbox of the page before.
    """

    text: str = ""
    domain: str = ""
    after: str = ""

    @classmethod
    def of(cls, values: dict[str, str]) -> "Wanted":
        """Read what came in a URL: anything."""
        taken = {name: typed(values, name, MAX_TEXT) for name in ("text", "domain", "after")}
        return cls(**taken)

    @property
    def is_narrow(self) -> bool:
        """Whether a filter is set."""
        return bool(self.text or self.domain)

    def query(self, after: str = "") -> str:
        """The same as a query string, from another place on."""
        other = replace(self, after=after)
        pairs = {"text": other.text, "domain": other.domain, "after": other.after}
        return urlencode({name: value for name, value in pairs.items() if value})


@dataclass(frozen=True, slots=True)
class BoxLine:
    """A shared mailbox in the list; sizes in bytes, quota 0 is no limit."""

    id: int
    address: str
    name: str
    state: str
    quota: int
    used: int
    members: int
    is_for_all: bool

    @property
    def percent(self) -> int:
        """How full, 0 to 100."""
        return min(100, self.used * 100 // self.quota) if self.quota else 0

    @property
    def words(self) -> str:
        """Who uses it."""
        if self.is_for_all:
            return "Everybody in the organisation"
        if not self.members:
            return "Nobody yet"
        return "1 member" if self.members == 1 else f"{self.members} members"


@dataclass(frozen=True, slots=True)
class Page:
    """Some shared mailboxes, and what the pager says; see `console/_pager.html`."""

    lines: list[BoxLine]
    words: str = ""
    query_first: str = ""
    query_next: str = ""


def shared(powers: Powers, wanted: Wanted) -> Page:
    """A page of the shared mailboxes in sight."""
    found = boxes(powers)
    if wanted.text:
        folded = wanted.text.casefold()
        found = found.filter(Q(key__contains=folded) | Q(name__icontains=wanted.text))
    if wanted.domain:
        found = found.filter(domain__name=wanted.domain.casefold())
    if wanted.after:
        found = found.filter(key__gt=wanted.after)
    columns = ("pk", "key", "address", "name", "state", "quota", "usage__size")
    rows = list(found.order_by("key").values_list(*columns)[: PAGE + 1])
    shown = rows[:PAGE]
    members = _members([row[0] for row in shown])
    lines = [
        BoxLine(
            id=pk,
            address=address,
            name=name,
            state=UserState(state).value,
            quota=quota,
            used=used or 0,
            members=len(members.get(pk, set()) - {None}),
            is_for_all=None in members.get(pk, set()),
        )
        for pk, _, address, name, state, quota, used in shown
    ]
    following = shown[-1][1] if len(rows) > PAGE else ""
    return Page(
        lines,
        words=f"{len(lines)} on this page" if following or wanted.after else "",
        query_first=(wanted.query() or "all") if wanted.after else "",
        query_next=wanted.query(following) if following else "",
    )


def boxes(powers: Powers) -> QuerySet[User]:
    """All in sight but the box for postmaster's mail that each domain has of itself."""
    found = permissions.users(powers).filter(kind=Kind.SHARED)
    return found.exclude(key__startswith=f"{POSTMASTER}@")


def _members(ids: Iterable[int]) -> dict[int, set[int | None]]:
    """Who may read or send, None for everybody, by mailbox; two statements."""
    rights = (
        MailboxRight.objects.filter(mailbox__user__in=ids, mailbox__deleted_at=None)
        .exclude(user__state=UserState.REMOVED)
        .values_list("mailbox__user_id", "user_id")
        .distinct()
    )
    delegations = Delegation.objects.filter(owner__in=ids).exclude(
        delegate__state=UserState.REMOVED
    )
    found: dict[int, set[int | None]] = {}
    for owner_id, user_id in rights:
        found.setdefault(owner_id, set()).add(user_id)
    for owner_id, delegate_id in delegations.values_list("owner_id", "delegate_id"):
        found.setdefault(owner_id, set()).add(delegate_id)
    return found
