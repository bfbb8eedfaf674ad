"""Which users are asked for: the filters of the list, of its bulk acts and of the export."""

from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from apps.console.typed import typed
from apps.directory import permissions
from apps.directory.models import RoleGrant, User
from apps.directory.permissions import Powers

MAX_TEXT: Final = 320  # characters of what is searched for
NO_ROLE: Final = "none"
ADDRESS: Final = "address"
NAME: Final = "name"
STORAGE: Final = "storage"
SORTS: Final = (ADDRESS, NAME, STORAGE)
_FILTERS: Final = ("text", "domain", "role", "factor", "state", "kind")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; "" asks for anything.

    Args:
        text: part of a name or address.
        domain: its name.
        role: one of `Role`, or NO_ROLE.
        factor: on, off: a second factor, of persons.
        sort: one of SORTS.
        after: the key of the last user of the page before, in that order.
    """

    text: str = ""
    domain: str = ""
    role: str = ""
    factor: str = ""
    state: str = ""
    kind: str = ""
    sort: str = ADDRESS
    after: str = ""

    @classmethod
    def of(cls, values: dict[str, str]) -> "Wanted":
        """Read what came in a URL or a form: anything."""
        taken = {name: typed(values, name, MAX_TEXT) for name in (*_FILTERS, "sort", "after")}
        if taken["sort"] not in SORTS:
            taken["sort"] = ADDRESS
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
        found = found.filter(domain__name=wanted.domain.casefold())
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
    return found
