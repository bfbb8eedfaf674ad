"""Which users are asked for: the filters of the list, of its bulk acts and of the export."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.console.typed import typed
from apps.directory import permissions
from apps.directory.models import Domain, Kind, RoleGrant, User
from apps.directory.permissions import Powers

MAX_TEXT: Final = 320  # characters of what is searched for
NO_ROLE: Final = "none"
ADDRESS: Final = "address"
NAME: Final = "name"
STORAGE: Final = "storage"
IDLE: Final = "idle"  # those who were not seen for longest first
SORTS: Final = (ADDRESS, NAME, STORAGE, IDLE)
IDLE_DAYS: Final = ("30", "90", "180", "365")
IDLE_SINCE: Final = Coalesce("seen_at", "created_at")
"""When a user was seen last; who never was counts from the first day."""
_FILTERS: Final = ("text", "domain", "role", "factor", "state", "kind", "idle")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; "" asks for anything.

    Args:
        text: part of a name or address.
        domain: its name.
        role: one of `Role`, or NO_ROLE.
        factor: on, off: a second factor, of persons.
        idle: one of IDLE_DAYS: persons who did not sign in for so long.
        sort: one of SORTS.
        after: the key of the last user of the page before, in that order.
    """

    text: str = ""
    domain: str = ""
    role: str = ""
    factor: str = ""
    state: str = ""
    kind: str = ""
    idle: str = ""
    sort: str = ADDRESS
    after: str = ""

    @classmethod
    def of(cls, values: dict[str, str]) -> "Wanted":
        """Read what came in a URL or a form: anything."""
        taken = {name: typed(values, name, MAX_TEXT) for name in (*_FILTERS, "sort", "after")}
        if taken["sort"] not in SORTS:
            taken["sort"] = ADDRESS
        if taken["idle"] not in IDLE_DAYS:
            taken["idle"] = ""
        return cls(**taken)

    @property
    def is_narrow(self) -> bool:
        """Whether a filter is set."""
        return any(getattr(self, name) for name in _FILTERS)

    def query(self, **others: str) -> str:
        """As a query string, with other values in place of some; "" are left out."""
        values = {**asdict(self), **others}
        if values["sort"] == ADDRESS:
            values["sort"] = ""
        return urlencode({name: value for name, value in values.items() if value})

    @property
    def filters(self) -> list[tuple[str, str]]:
        """Name and value of each filter that is set."""
        return [(name, getattr(self, name)) for name in _FILTERS if getattr(self, name)]

    @property
    def filter_query(self) -> str:
        """The filters alone as a query string."""
        return urlencode(self.filters)


def chosen(powers: Powers, wanted: Wanted) -> QuerySet[User]:
    """The users in sight that fit, in no order, whatever the page."""
    found = permissions.users(powers)
    if wanted.text:
        folded = wanted.text.casefold()
        found = found.filter(Q(key__contains=folded) | Q(name__icontains=wanted.text))
    if wanted.domain:
        # One domain, not a join: so an index of it has its users in order.
        domain = Domain.objects.filter(name=wanted.domain.casefold())
        found = found.filter(domain=Subquery(domain.values("pk")[:1]))
    if wanted.role:
        held = RoleGrant.objects.all()
        if wanted.role == NO_ROLE:
            found = found.exclude(pk__in=held.values("user"))
        else:
            found = found.filter(pk__in=held.filter(role=wanted.role).values("user"))
    if wanted.factor:
        found = found.filter(kind="person", has_factor=wanted.factor == "on")
    if wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.idle:
        before = timezone.now() - timedelta(days=int(wanted.idle))
        found = found.alias(idle=IDLE_SINCE).filter(idle__lt=before, kind=Kind.PERSON)
    return found
