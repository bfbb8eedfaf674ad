"""What is done to many domains at once, and taken back: each by its own door."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from apps.console.services import bulkacts
from apps.directory import permissions
from apps.directory.models import State
from apps.directory.permissions import Powers
from apps.provisioning.administration import dnschecks, sight
from apps.provisioning.administration import domains as doors
from apps.wire.errors import MailError, NotFound

STATE: Final = "domain.state"
STATES: Final = {
    "suspend": (State.SUSPENDED, "suspended"),
    "lock": (State.LOCKED, "locked"),
    "resume": (State.ACTIVE, "at work again"),
}


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it.

    Args:
        before: of each domain that was changed, its id, the state that it had and the one it got.
        refused: why others were not, each reason once.
    """

    before: list[tuple[int, str, str]]
    refused: list[str]

    @property
    def count(self) -> int:
        return len(self.before)


def set_state(powers: Powers, ids: Collection[int], state: State) -> Done:
    """Give domains a state; what is not in sight is passed over."""
    done = Done([], [])
    for number in sorted(set(ids))[: bulkacts.MOST]:
        try:
            domain = sight.find_domain(powers, number)
            before = domain.state
            if before == state:
                continue
            doors.set_state(powers=powers, domain_id=number, state=state)
        except NotFound:
            continue
        except MailError as error:
            if error.reply.text not in done.refused:
                done.refused.append(error.reply.text)
            continue
        done.before.append((number, before, state.value))
    return done


def undo_state(powers: Powers, before: Any) -> str:
    """Give domains the states that they had, where nobody has changed them since."""
    count, reasons = 0, list[str]()
    now = dict(
        permissions.domains(powers)
        .values_list("pk", "state")
        .filter(pk__in=[number for number, _, _ in before])
    )
    same = [(number, was) for number, was, became in before if now.get(number) == became]
    if len(same) < len(before):
        reasons.append("Somebody has changed that since; it stays")
    for state in State:
        done = set_state(powers, [number for number, was in same if was == state], state)
        count += done.count
        reasons += done.refused
    whys = [f"{one}." for one in dict.fromkeys(reasons)]
    return " ".join([f"{counted(count)} as before.", *whys])


def check(powers: Powers, ids: Collection[int]) -> int:
    """Have the records of domains looked at; return of how many."""
    count = 0
    for number in sorted(set(ids))[: bulkacts.MOST]:
        try:
            dnschecks.request(powers=powers, domain_id=number)
        except NotFound:
            continue
        count += 1
    return count


def counted(count: int) -> str:
    """How many domains are, in words."""
    return "1 domain is" if count == 1 else f"{count} domains are"
