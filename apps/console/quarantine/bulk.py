"""What is done to kept mail, one message or many, and how it is taken back: each by its door.

A release cannot be taken back: the message is on its way. What can do harm is never released among
others, only by its own page.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from apps.directory.permissions import Powers
from apps.provisioning.administration import quarantine as doors
from apps.provisioning.administration.quarantine import Blocked
from apps.scan.models import Verb
from apps.scan.services.lists import Added
from apps.wire.errors import MailError, NotFound

DELETE: Final = "quarantine.delete"
BLOCK: Final = "quarantine.block"
PORTION: Final = 200  # messages of one request where all are meant: each is a transaction


@dataclass(slots=True)
class Done:
    """What came of it.

    Args:
        count: of how many messages.
        before: what it takes to undo it.
        left: how many stayed as they were, and why the last one of them did.
    """

    count: int = 0
    before: list[dict[str, Any]] = field(default_factory=list)
    left: int = 0
    why: str = ""

    @property
    def refusal(self) -> str:
        """Of those that stayed as they were; "" if none did."""
        return f"{self.left:,} not: {self.why}." if self.left else ""


def release(powers: Powers, numbers: Iterable[int], *, teaches: bool) -> Done:
    """Let them go; nothing of them that can do harm."""

    def act(number: int) -> None:
        doors.release(powers=powers, number=number, teaches=teaches)

    return _each(numbers, act)


def delete(powers: Powers, numbers: Iterable[int]) -> Done:
    """Delete them; `undo_delete` has them back for a while."""

    def act(number: int) -> dict[str, Any]:
        doors.delete(powers=powers, number=number)
        return {"number": number}

    return _each(numbers, act)


def block(powers: Powers, numbers: Iterable[int]) -> Done:
    """Block their senders for their readers' domains, and delete them."""

    def act(number: int) -> dict[str, Any]:
        return _written(number, doors.block(powers=powers, number=number))

    return _each(numbers, act)


def undo_delete(powers: Powers, before: Any) -> str:
    """Keep again what was deleted."""
    return _undone(_each(before, lambda one: doors.restore(powers=powers, number=one["number"])))


def undo_block(powers: Powers, before: Any) -> str:
    """Keep it again, and let the lists say what they said. The last act first: of several messages
    of one sender, the first one knows what the list said before."""
    return _undone(
        _each(
            reversed(before),
            lambda one: doors.unblock(powers=powers, number=one["number"], blocked=_read(one)),
        )
    )


def counted(count: int) -> str:
    """How many messages are, in words."""
    return "1 message is" if count == 1 else f"{count:,} messages are"


def _each(things: Iterable[Any], act: Callable[[Any], dict[str, Any] | None]) -> Done:
    done = Done()
    for one in things:
        try:
            kept = act(one)
        except MailError as error:
            done.left += 1
            done.why = error.reply.text
            continue
        done.count += 1
        if kept is not None:
            done.before.append(kept)
    return done


def _undone(done: Done) -> str:
    if not done.count:
        raise NotFound("nothing undone", text=done.why or "There is nothing to take back")
    words = f"{counted(done.count)} in quarantine again."
    return f"{words} {done.refusal}".rstrip()


def _written(number: int, blocked: Blocked) -> dict[str, Any]:
    added = blocked.added
    return {
        "number": number,
        "domain_id": blocked.domain_id,
        "domain": blocked.domain,
        "value": added.value,
        "replaced": added.replaced,
        "at": added.at,
    }


def _read(one: dict[str, Any]) -> Blocked:
    replaced = None if one["replaced"] is None else Verb(one["replaced"])
    return Blocked(
        one["domain_id"], one["domain"], Added(Verb.BLOCK, one["value"], replaced, one["at"])
    )
