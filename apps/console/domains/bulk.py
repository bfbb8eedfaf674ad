"""What is done to many domains at once, and taken back: each by its own door."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from apps.console.services import bulkacts
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
        before: of each domain that was changed, its id and the state that it had.
        refused: why others were not, each reason once.
    """

    before: list[tuple[int, str]]
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
        done.before.append((number, before))
    return done


def undo_state(powers: Powers, before: Any) -> str:
    """Give domains the states that they had."""
    count = 0
    for state in State:
        ids = [number for number, was in before if was == state]
        count += set_state(powers, ids, state).count
    return f"{counted(count)} as before."


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
