"""Where mail for an address would go, as far as somebody may know.

An operator is told all. Others are told of what happens in domains in their sight. An address
elsewhere is named, since it stands in what is theirs, and nothing more is told of it: neither
whether it is hosted here nor whether anybody has it. What comes of the whole can say that too (a
loop, somebody who gets a copy after all because the rest reaches nobody), so it is told only where
no step is hidden. The steps themselves are those by which mail is routed (`directory.explaining`).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from apps.directory import permissions
from apps.directory.explaining import Step
from apps.directory.permissions import Powers
from apps.mime.address import Address, AddressError
from apps.provisioning import routes
from apps.provisioning.routes import Copy
from apps.wire.errors import InvalidAddress, NotFound

_BAD: Final = frozenset({"none", "suspended", "return_broken", "routed"})
# Who they are is told of those in sight alone.
_ROLE_TEXT: Final = (
    "No other rule reaches anybody, and this role always must: the domain's administrators get it,"
    " or who runs this service."
)

_HIDDEN: Final = "Mail goes on to this address, which is not in your sight."
_NO_FURTHER: Final = "Mail goes on to this address; it is not followed further."


@dataclass(frozen=True, slots=True)
class Stop:
    """An address on the way.

    Args:
        rule: the one that decides here (`directory.explaining`); "" where nothing is told.
        is_hidden: nothing is told of it but that mail goes on to it.
        is_bad: mail ends here, and nobody gets it.
    """

    address: str
    text: str
    rule: str = ""
    leads_to: tuple[str, ...] = ()
    is_hidden: bool = False
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """The stops in their order, and what comes of it; "" and nothing where that is not told."""

    address: str
    stops: list[Stop]
    notes: list[str]
    verdict: str = ""
    is_taken: bool = False
    mailboxes: tuple[str, ...] = ()
    copies: tuple[Copy, ...] = ()

    @property
    def is_told_whole(self) -> bool:
        """Whether no stop is hidden."""
        return not any(stop.is_hidden for stop in self.stops)


def way(powers: Powers, text: str) -> Way:
    """What would become of mail for an address now.

    Raises:
        InvalidAddress
        NotFound: its domain is not in sight; it is not told whether it is hosted here.
    """
    try:
        address = Address.parse(text.strip().removeprefix("<").removesuffix(">"))
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not an address: {error}") from None
    if powers.is_operator:
        return _whole(address)
    if not in_sight(powers, [address]):
        raise NotFound(f"domain {address.domain}", text=f"{address.domain} is no domain of yours")
    found = routes.route(str(address))
    seen = _known(powers, found.steps)
    stops = _walked(str(address), {step.address: step for step in found.steps}, seen)
    if any(stop.is_hidden for stop in stops):
        return Way(str(address), stops, [])
    mine = _mine(powers, found.mailboxes)
    mailboxes = tuple(mailbox for mailbox in found.mailboxes if mailbox in mine)
    notes = list(found.notes)
    if len(mailboxes) < len(found.mailboxes):  # who has a role; the notes would name them
        notes = ["Who runs this service, or has a role in this domain, gets it too."]
    is_taken = found.status == "local"
    return Way(str(address), stops, notes, found.verdict, is_taken, mailboxes)


def in_sight(powers: Powers, addresses: Iterable[Address]) -> set[str]:
    """Which domains of these addresses are in sight with all that stands behind them; one
    statement.

    An alias domain may be given to somebody alone: what is in the domain for which it stands then
    is not theirs.
    """
    names = {address.domain for address in addresses}
    mine = permissions.domains(powers)
    rows = mine.filter(name__in=names).values_list("name", "alias_of_id")
    found = dict(rows)
    behind = {home for home in found.values() if home is not None}
    known = set(mine.filter(pk__in=behind).values_list("pk", flat=True)) if behind else set()
    return {name for name, home in found.items() if home is None or home in known}


def _whole(address: Address) -> Way:
    found = routes.route(str(address))
    stops = [_stop(step, step.text) for step in found.steps]
    return Way(
        str(address),
        stops,
        list(found.notes),
        found.verdict,
        found.status in ("local", "remote"),
        found.mailboxes,
        found.copies,
    )


def _known(powers: Powers, steps: Iterable[Step]) -> set[str]:
    """The domains in sight of all that the steps name."""
    named = [text for step in steps for text in (step.address, *step.leads_to)]
    return in_sight(powers, map(Address.parse, named))


def _walked(root: str, steps: dict[str, Step], seen: Collection[str]) -> list[Stop]:
    """The stops that are reached through what is in sight alone, and where it goes on from it."""
    by_key = {Address.parse(text).key: step for text, step in steps.items()}
    queue, met, stops = [root], {Address.parse(root).key}, []
    for text in queue:  # grows while it is walked
        address = Address.parse(text)
        step = by_key.get(address.key)
        if address.domain not in seen or step is None:
            words = _NO_FURTHER if address.domain in seen else _HIDDEN
            stops.append(Stop(text, words, is_hidden=True))
            continue
        stops.append(_stop(step, _ROLE_TEXT if step.rule == "role" else step.text))
        for target in step.leads_to:
            if (key := Address.parse(target).key) not in met:
                met.add(key)
                queue.append(target)
    return stops


def _stop(step: Step, text: str) -> Stop:
    return Stop(
        step.address,
        text,
        step.rule,
        step.leads_to,
        is_bad=step.rule in _BAD,
    )


def _mine(powers: Powers, mailboxes: Collection[str]) -> set[str]:
    return set(
        permissions.users(powers).filter(address__in=mailboxes).values_list("address", flat=True)
    )
