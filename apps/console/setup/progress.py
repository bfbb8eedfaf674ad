"""How far the first run has come. It is read off what there is, so that it goes on wherever, and
whenever, it was left."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import HttpRequest

from apps.console.domains.dnsrecords import Records, records
from apps.directory.models import Domain, DomainKind, Kind, User, UserState
from apps.directory.services.names import POSTMASTER
from apps.dnscheck import queries
from apps.mailstore.arrivals import Arrival, arrival, has_mail
from apps.runtime.clock import now

_SENT: Final = "setup-message"  # in the session: whose, which, when
LATE: Final = 60  # seconds after which a message that has not come is worth a look
STEPS: Final = (
    ("", "Your account"),
    ("domain", "Domain"),
    ("dns", "DNS"),
    ("message", "First message"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One of the bar on top."""

    number: int
    words: str
    is_done: bool
    is_now: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """What there is.

    Args:
        domain: the one that the first run is about.
        reader: to whom the first message goes: who asks, or the first person of the domain.
        has_mail: something was delivered.
    """

    domain: Domain | None
    reader: User | None
    has_mail: bool

    def records(self) -> Records | None:
        """How the domain's records stand."""
        return None if self.domain is None else records(queries.report(self.domain))

    def next_step(self) -> str:
        """Where to go on: "domain", "dns", "message", "done"."""
        if self.domain is None:
            return "domain"
        if self.has_mail:
            return "done"
        return "message" if self.is_found() else "dns"

    def is_found(self) -> bool:
        """Whether all records that mail needs are there."""
        found = self.records()
        return found is not None and not found.left


def progress(user: User) -> Progress:
    """How far it is for an operator; three statements."""
    domain = _domain(user)
    reader = user if user.domain_id is not None else _first_person(domain)
    return Progress(domain, reader, reader is not None and has_mail(reader.pk))


def _domain(user: User) -> Domain | None:
    """The operator's own, else the first one."""
    own = Domain.objects.select_related("alias_of").filter(alias_of=None, kind=DomainKind.HOSTED)
    if user.domain_id is not None and (found := own.filter(pk=user.domain_id).first()):
        return found
    return own.order_by("pk").first()


def _first_person(domain: Domain | None) -> User | None:
    if domain is None:
        return None
    people = User.objects.filter(domain=domain, kind=Kind.PERSON, state=UserState.ACTIVE)
    return people.exclude(key=f"{POSTMASTER}@{domain.name}").order_by("pk").first()


def bar(at: str, found: Progress) -> list[Step]:
    """The steps, as they are seen from one of them, or from "done"."""
    done = {
        "": True,
        "domain": found.domain is not None,
        "dns": at in ("message", "done") and found.is_found(),
        "message": found.has_mail,
    }
    return [
        Step(number, words, done[key] and key != at, key == at)
        for number, (key, words) in enumerate(STEPS, 1)
    ]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A first message that was sent in this session.

    Args:
        arrived: where it lies now; None: it is on its way.
        is_late: it should have come by now.
    """

    arrived: Arrival | None
    is_late: bool


def remember(request: HttpRequest, reader: User, trace_id: UUID) -> None:
    """Note that a first message was sent."""
    request.session[_SENT] = [reader.pk, trace_id.hex, now()]


def waiting(request: HttpRequest, reader: User) -> Waiting | None:
    """What became of it; None: there is none to this reader."""
    kept = request.session.get(_SENT)
    if not kept or kept[0] != reader.pk:
        return None
    found = arrival(reader.pk, UUID(hex=kept[1]))
    return Waiting(found, found is None and now() - kept[2] > LATE)
