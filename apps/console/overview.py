"""What the dashboard tells: real figures of what is in sight, in a constant number of statements.

The sums over all users cost as much as there are users: where that is much they are kept, and the
page does not wait for them. What somebody should act on is found by small tables: who was told that
a mailbox is full (`mailstore.QuotaNotice`), what the DNS check keeps, who holds a role.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, F, Q, Sum

from apps.audit import queries as audit
from apps.console.attention import Item, address
from apps.console.dearcounts import DearCounts
from apps.console.mailflow import USUAL, MailFlow, Period, mail_flow
from apps.directory import permissions
from apps.directory.models import DkimKey, DkimState, Kind, State, UserState
from apps.directory.permissions import Ability, Powers
from apps.directory.services.capacity import OWN_BOX
from apps.dnscheck.queries import alarming
from apps.mailstore.models import QuotaNotice, Usage
from apps.provisioning.administration.sight import grants_in_sight
from apps.provisioning.health import flow as queue
from apps.provisioning.health.checks import Check, Report
from apps.provisioning.health.checks import State as Health

NAMED: Final = 3  # names of things that an item tells
RECENT: Final = 6  # acts
TROUBLES: Final = 6  # of the service
FULL: Final = 95  # percent


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over what is in sight; sizes in bytes.

    Args:
        users: people, shared mailboxes and resources, but for the domains' own postmaster boxes;
            `at_home` those with an address of ours: operators may be from elsewhere.
        given: the sum of all quotas; `unlimited` users have none.
    """

    domains: int
    domains_asleep: int
    users: int
    at_home: int
    people: int
    asleep: int
    used: int
    given: int
    unlimited: int

    @property
    def is_bounded(self) -> bool:
        """Whether all have a quota, so that their sum means something."""
        return bool(self.given) and not self.unlimited

    @property
    def percent(self) -> int:
        """How much of what is given out is used, 0 to 100."""
        return min(100, self.used * 100 // self.given) if self.given else 0


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the dashboard tells.

    Args:
        totals: None while they are counted for the first time.
        waiting: recipients elsewhere that wait for another try; None for who is no operator.
        services: doors and workers; None before anybody has looked, or for who is no operator.
        begins: whether there is nothing here yet, and the wizard is the next thing.
        flow: of mail; None while it is counted for the first time.
        traces: whether somebody is told of mail at all.
    """

    totals: Totals | None
    waiting: int | None
    items: list[Item]
    services: tuple[Check, ...] | None
    disk: str
    acts: list[audit.Row]
    begins: bool
    is_operator: bool
    flow: MailFlow | None
    traces: bool

    @property
    def all_run(self) -> bool:
        """Whether no service is in trouble."""
        return not any(check.is_trouble for check in self.services or ())


def overview(powers: Powers, health: Report | None, period: Period = USUAL) -> Overview:
    """What somebody with these powers is told.

    Args:
        health: how the service stands; None if nobody has looked, and for who is no operator.
        period: of mail flow.
    """
    flowing = mail_flow(powers, period)
    known = _known(powers)
    totals = None if known is None else known.totals
    report = health if powers.is_operator else None
    reads_audit = powers.may(Ability.READ_AUDIT)
    scope = permissions.audit_scope(powers)
    return Overview(
        totals=totals,
        waiting=queue.waiting_count() if powers.is_operator else None,
        items=[
            *_of_service(report),
            *(() if flowing is None else flowing.items),
            *(() if known is None else known.items),
        ],
        services=None if report is None else _services(report),
        disk="" if report is None else _words(report, "disk"),
        acts=audit.page(scope=scope, limit=RECENT).rows if reads_audit else [],
        begins=powers.is_operator
        and totals is not None
        and not (totals.domains and totals.at_home),
        is_operator=powers.is_operator,
        flow=flowing,
        traces=powers.may(Ability.TRACE_MAIL),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What is counted in the database."""

    totals: Totals
    items: tuple[Item, ...]


counts: Final = DearCounts[_Known]()


def _known(powers: Powers) -> _Known | None:
    sight = () if powers.is_operator else powers.grants
    return counts.get(sight, lambda: _Known(_counted(powers), tuple(_of_directory(powers))))


def _counted(powers: Powers) -> Totals:
    asleep = ~Q(state=State.ACTIVE)
    domains = permissions.domains(powers).aggregate(
        all=Count("pk"), asleep=Count("pk", filter=asleep)
    )
    mine = ~Q(OWN_BOX)
    users = permissions.users(powers).aggregate(
        all=Count("pk", filter=mine),
        at_home=Count("domain", filter=mine),
        people=Count("pk", filter=Q(kind=Kind.PERSON)),
        asleep=Count("pk", filter=~Q(state=UserState.ACTIVE)),
        given=Sum("quota", filter=mine),
        unlimited=Count("pk", filter=mine & Q(quota=0)),
    )
    # Of all users the small table alone is read; it has those that were removed, too, whose mail
    # lies on the same disk.
    kept = Usage.objects.all()
    if not powers.is_operator:
        seen = permissions.domains(powers, Ability.SEE_USERS)
        kept = kept.filter(user__domain__in=seen.values("pk"))
    return Totals(
        domains=domains["all"],
        domains_asleep=domains["asleep"],
        users=users["all"],
        at_home=users["at_home"],
        people=users["people"],
        asleep=users["asleep"],
        used=int(kept.aggregate(used=Sum("size"))["used"] or 0),
        given=int(users["given"] or 0),
        unlimited=users["unlimited"],
    )


def _of_service(report: Report | None) -> Iterator[Item]:
    if report is None:
        return
    for check in report.troubles[:TROUBLES]:
        kind = "bad" if check.state is Health.BAD else "warn"
        icon = "octagon-alert" if kind == "bad" else "triangle-alert"
        is_queue = check.key in ("queue.held", "queue.out")
        url = address("console-queue") if is_queue else f"{address('console-health')}#{check.key}"
        yield Item(kind, icon, check.name, check.words, url, "View")


def _of_directory(powers: Powers) -> Iterator[Item]:
    yield from _dns(powers)
    yield from _full(powers)
    yield from _without_factor(powers)
    yield from _unpublished(powers)


def _dns(powers: Powers) -> Iterator[Item]:
    found = alarming(permissions.domains(powers))
    names = list(found.order_by("name").values_list("name", flat=True)[:NAMED])
    if names:
        number = found.count() if len(names) == NAMED else len(names)
        title = f"{names[0]}: DNS is wrong" if number == 1 else f"DNS of {number} domains is wrong"
        url = address("console-domains", show="work")
        yield Item("bad", "globe", title, _listed(names, number), url, "Fix")


def _full(powers: Powers) -> Iterator[Item]:
    told = QuotaNotice.objects.filter(
        level__gte=FULL,
        user__usage__size__gte=F("user__quota")
        - F("user__quota") / 20
        - F("user__usage__reserved"),
        user__quota__gt=0,
    )
    if not powers.is_operator:
        told = told.filter(user__domain__in=permissions.domains(powers, Ability.SEE_USERS))
    addresses = list(
        told.order_by("-level", "user__key").values_list("user__address", flat=True)[:NAMED]
    )
    if addresses:
        number = told.count() if len(addresses) == NAMED else len(addresses)
        title = f"{number} mailbox{'es' if number > 1 else ''} above {FULL} %"
        url = address("console-users", sort="storage")
        yield Item("warn", "hard-drive", title, _listed(addresses, number), url, "View")


def _without_factor(powers: Powers) -> Iterator[Item]:
    if not powers.may(Ability.MAKE_HELPDESKS):
        return
    grants = grants_in_sight(powers).filter(
        user__has_factor=False, user__state=UserState.ACTIVE, user__kind=Kind.PERSON
    )
    if not powers.is_operator:  # of who is out of sight nothing is told but the role
        grants = grants.filter(user__in=permissions.users(powers).values("pk"))
    number = grants.aggregate(people=Count("user", distinct=True))["people"]
    if number:
        title = f"{number} administrator{'s' if number > 1 else ''} without a second factor"
        words = "A password alone opens what they administer."
        yield Item("warn", "shield-off", title, words, address("console-roles"), "View")


def _unpublished(powers: Powers) -> Iterator[Item]:
    keys = DkimKey.objects.filter(state=DkimState.PENDING)
    if not powers.is_operator:
        keys = keys.filter(domain__in=permissions.domains(powers).values("pk"))
    number = keys.aggregate(domains=Count("domain", distinct=True))["domains"]
    if number:
        title = f"DKIM keys of {number} domain{'s' if number > 1 else ''} wait for their record"
        words = "They sign mail once their records are in the DNS."
        yield Item("info", "key-round", title, words, address("console-domains"), "View")


def _listed(names: list[str], number: int) -> str:
    more = number - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _services(report: Report) -> tuple[Check, ...]:
    return tuple(
        check
        for check in report.checks
        if check.key.startswith(("door.", "worker.")) and check.state is not Health.OFF
    )


def _words(report: Report, key: str) -> str:
    return next((check.words for check in report.checks if check.key == key), "")
