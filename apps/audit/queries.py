"""Reading the audit log: newest first, a page by one statement, and by two where words are searched
for: a page looks through `LOOKED` records at most, and says how far it has come."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet, Subquery

from apps.audit import words
from apps.audit.models import AuditRecord
from apps.runtime.keyset import Column, Order, walk

PAGE: Final = 50
MOST: Final = 1_000  # of one page
LOOKED: Final = 50_000  # records: what words are searched in for a page
_CLOCKS: Final = timedelta(days=1)  # by which the clocks of machines may differ


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose acts somebody may read of. A record that names none of these ids is not for them.

    Args:
        organizations, domains, users: ids; a record is told if it names one of them.
    """

    organizations: Collection[int] = ()
    domains: Collection[int] = ()
    users: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; None and "" ask for anything.

    Args:
        actor: part of the name of who acted, or as whom.
        action: an action, or the beginning of some: `user`, `user.suspend`.
        subject: part of its name.
        text: part of who acted, of the subject, or of the address from which it was done.
        users: ids; of what was done to one of them, or by one of them.
        domain_id: what was done to the domain, or to what is in it.
        since, until: the first moment, and the first one after.
    """

    actor: str = ""
    action: str = ""
    subject: str = ""
    text: str = ""
    users: Collection[int] | None = None
    domain_id: int | None = None
    organization_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def has_words(self) -> bool:
        """Whether records have to be read to see whether they fit."""
        return bool(self.actor or self.action or self.subject or self.text)


@dataclass(frozen=True, slots=True)
class Row:
    """An act. `sentence` is what one says after the actor's name; `details` the rest on a line."""

    id: int
    at: datetime
    kind: str
    actor: str
    acting_for: str
    door: str
    via: str
    address: str
    action: str
    subject: str
    detail: dict[str, Any]
    sentence: str
    details: str


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and what to give as `before` for those that are older; None if there are none.

    Args:
        looked_to: where the search for words has ended for now, if it has not seen everything.
    """

    rows: list[Row]
    after: int | None
    looked_to: datetime | None = None


EVERYTHING: Final = Wanted()


def page(
    wanted: Wanted = EVERYTHING,
    *,
    scope: Scope | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> Page:
    """A page, newest first.

    Args:
        scope: whose acts may be told; None for who may read everything.
        before: the `after` of the page before.
        limit: at most `MOST`.
    """
    limit = max(1, min(limit, MOST))
    found = _in_reach(wanted, scope)
    if before is not None:
        found = found.filter(pk__lt=before)
    end = None
    if wanted.has_words:
        end = found.order_by("-pk").values_list("pk", "at")[LOOKED : LOOKED + 1].first()
    if end is not None:
        found = found.filter(pk__gt=end[0])
    rows = [_row(one) for one in _named(found, wanted).order_by("-pk")[: limit + 1]]
    if len(rows) > limit:
        return Page(rows[:limit], rows[limit - 1].id)
    return Page(rows, None) if end is None else Page(rows, end[0] + 1, looked_to=end[1])


def export(wanted: Wanted = EVERYTHING, *, scope: Scope | None = None) -> Iterator[Row]:
    """All of it, oldest first, as of now: what is recorded meanwhile is left out."""
    last = AuditRecord.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    found = _named(_in_reach(wanted, scope), wanted).filter(pk__lte=last)
    yield from map(_row, walk(found, Order(Column("pk"))))


def _in_reach(wanted: Wanted, scope: Scope | None) -> QuerySet[AuditRecord]:
    """What there is to look through: those whose ids and times fit."""
    found = AuditRecord.objects.all()
    if scope is not None:
        found = found.filter(
            Q(organization_id__in=list(scope.organizations))
            | Q(domain_id__in=list(scope.domains))
            | Q(user_id__in=list(scope.users))
        )
    if wanted.users is not None:
        ids = list(wanted.users)
        found = found.filter(Q(user_id__in=ids) | Q(actor_kind="user", actor_id__in=ids))
    if wanted.domain_id is not None:
        found = found.filter(domain_id=wanted.domain_id)
    if wanted.organization_id is not None:
        found = found.filter(organization_id=wanted.organization_id)
    return _in_period(found, wanted)


def _in_period(found: QuerySet[AuditRecord], wanted: Wanted) -> QuerySet[AuditRecord]:
    """Those of a period. Ids grow with time but for what clocks differ: they bound what is read
    for words that nothing has."""
    if wanted.since is not None:
        first = AuditRecord.objects.filter(at__gte=wanted.since - _CLOCKS).order_by("at")
        found = found.filter(at__gte=wanted.since, pk__gte=Subquery(first.values("pk")[:1]))
    if wanted.until is not None:
        last = AuditRecord.objects.filter(at__lt=wanted.until + _CLOCKS).order_by("-at")
        found = found.filter(at__lt=wanted.until, pk__lte=Subquery(last.values("pk")[:1]))
    return found


def _named(found: QuerySet[AuditRecord], wanted: Wanted) -> QuerySet[AuditRecord]:
    """Those whose words are asked for."""
    if wanted.actor:
        text = _plain(wanted.actor)
        found = found.filter(Q(actor__icontains=text) | Q(acting_for__icontains=text))
    if wanted.action:
        found = found.filter(action__startswith=_plain(wanted.action))
    if wanted.subject:
        found = found.filter(subject__icontains=_plain(wanted.subject))
    if wanted.text:
        text = _plain(wanted.text)
        found = found.filter(
            Q(actor__icontains=text)
            | Q(acting_for__icontains=text)
            | Q(via__icontains=text)
            | Q(subject__icontains=text)
            | Q(address__icontains=text)
        )
    return found


def _plain(text: str) -> str:
    """As a statement can carry it: Postgres takes no NUL and no half of a pair."""
    return text.replace("\0", "?").encode("utf-8", "replace").decode()[:400]


def _row(one: AuditRecord) -> Row:
    return Row(
        id=one.pk,
        at=one.at,
        kind=one.actor_kind,
        actor=one.actor,
        acting_for=one.acting_for,
        door=one.door,
        via=one.via,
        address=one.address,
        action=one.action,
        subject=one.subject,
        detail=one.detail,
        sentence=words.sentence(one.action, one.subject),
        details=words.details(one.detail),
    )
