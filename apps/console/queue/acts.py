"""What is done to messages of the queue from the console, to one or to many, and taken back.

Portions are small transactions of their own. What has left meanwhile is passed over, and so is what
is somebody else's; nothing of that is told but how much was done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from apps.console import paging
from apps.console.portions import Stand
from apps.console.queue import waiting
from apps.console.queue.waiting import Wanted
from apps.console.services import bulkacts
from apps.directory.permissions import Powers
from apps.mailqueue.services import UNDO_SECONDS, Ending
from apps.provisioning.administration import queue as doors
from apps.runtime.ulid import new_ulid, parse_ulid, ulid_text

ASIDE: Final = "queue.aside"
RELEASE: Final = "queue.release"
PORTION: Final = 100  # messages of one transaction
HELD: Final = "held by an administrator"


@dataclass(slots=True)
class Done:
    """What came of an act.

    Args:
        count: of how many messages.
        what: by which it is taken back, as in `console.undoing`; "" if it cannot be.
        before: what is needed for that.
    """

    count: int = 0
    what: str = ""
    before: list[dict[str, Any]] = field(default_factory=list)


_WORDS: Final = {
    "retry": "tried again now",
    "reroute": "given a new way",
    "cancel": "cancelled",
    "release": "released",
    "hold": "held",
    "delete": f"deleted in {UNDO_SECONDS} seconds",
    "bounce": f"returned to {{}} in {UNDO_SECONDS} seconds",
}
_ENDINGS: Final = {"hold": Ending.HOLD, "delete": Ending.DELETE, "bounce": Ending.BOUNCE}
_DOORS: Final = {"retry": doors.retry, "reroute": doors.reroute, "cancel": doors.cancel}
NAMES: Final = frozenset(_WORDS)


def picked(powers: Powers, ids: Sequence[UUID]) -> list[UUID]:
    """What was ticked and is in sight, oldest first; `bulkacts.MOST` at most."""
    found = doors.in_sight(powers).filter(pk__in=ids[: bulkacts.MOST])
    return list(found.order_by("pk").values_list("pk", flat=True))


def portion(powers: Powers, wanted: Wanted, stand: Stand) -> tuple[list[UUID], bool]:
    """The next messages in sight that fit a filter, oldest first, `bulkacts.MOST` at most; and
    whether there are more."""
    found = waiting.chosen(powers, wanted)
    after, until = parse_ulid(stand.after), parse_ulid(stand.until)
    if after is not None:
        found = found.filter(pk__gt=after)
    if until is not None:
        found = found.filter(pk__lt=until)
    ids = list(found.order_by("pk").values_list("pk", flat=True)[: bulkacts.MOST + 1])
    return ids[: bulkacts.MOST], len(ids) > bulkacts.MOST


def begin(powers: Powers, wanted: Wanted) -> Stand:
    """All that fit a filter now: what comes in later is not meant."""
    total = paging.counted(waiting.chosen(powers, wanted))
    return Stand(until=ulid_text(new_ulid()), total=total)


def do(powers: Powers, name: str, ids: Sequence[UUID], reason: str = "") -> Done:
    """Do one of NAMES to messages."""
    done = Done()
    for some in _portions(ids[: bulkacts.MOST]):
        if name in _ENDINGS:
            _aside(powers, some, _ENDINGS[name], reason or (HELD if name == "hold" else ""), done)
        elif name == "release":
            before = doors.release(powers=powers, ids=some)
            done.what, done.before = RELEASE, done.before + before
            done.count += len(before)
        else:
            done.count += _DOORS[name](powers=powers, ids=some)
    return done


def _aside(powers: Powers, ids: Sequence[UUID], ending: Ending, reason: str, done: Done) -> None:
    act, found = doors.set_aside(powers=powers, ids=ids, ending=ending, reason=reason)
    done.what = ASIDE
    done.count += len(found)
    if found:
        done.before.append({"act": act.hex, "messages": [one.hex for one in found]})


def told(name: str, count: int) -> str:
    """What was done, in a sentence."""
    one = count == 1
    be = {"delete": "will be", "bounce": "will be"}.get(name, "is" if one else "are")
    words = _WORDS[name].format("its sender" if one else "their senders")
    last = " That cannot be taken back." if name in ("reroute", "cancel") else ""
    return f"{counted(count)} {be} {words}.{last}"


def counted(count: int) -> str:
    """How many messages, in words."""
    return "1 message" if count == 1 else f"{count:,} messages"


def undo_aside(powers: Powers, before: Any) -> str:
    """Put messages back where they were, as far as it is not too late."""
    count = asked = 0
    for row in before:
        ids = [UUID(one) for one in row["messages"]]
        asked += len(ids)
        count += doors.take_back(powers=powers, act=UUID(row["act"]), ids=ids)
    return _as_before(count, asked, "back where it was", "back where they were")


def undo_release(powers: Powers, before: Any) -> str:
    """Hold messages again that were released, as far as they have not left."""
    count = sum(doors.unrelease(powers=powers, before=some) for some in _portions(before))
    return _as_before(count, len(before), "held again", "held again")


def _as_before(count: int, asked: int, one: str, many: str) -> str:
    late = asked - count
    words = f"{counted(count)} {'is' if count == 1 else 'are'} {one if count == 1 else many}."
    if not late:
        return words
    gone = f"For {counted(late)} it is too late."
    return f"{words} {gone}" if count else gone


def _portions(some: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(some), PORTION):
        yield some[first : first + PORTION]
