"""Greylisting (RFC 6647) that knows when to keep quiet (docs/decisions/0024-greylisting.md).

Asked last, at the dot, of a message that everything else lets in. It asks to come back only if all
recipients' domains want that and the checks before found the message doubtful; never a sender that
is known here, an answer to what a recipient wrote, or a code that somebody waits for to sign in.
What it cannot find out in a moment, it lets in: a database that is away delays no mail.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from apps.reception import queries
from apps.reception.arrival import Addressee, Arrival
from apps.reception.codes import carries_code
from apps.reception.keys import key_of
from apps.reception.queries import Held
from apps.reception.services import greylisting
from apps.reception.services.greylisting import WINDOW_SECONDS, Note
from apps.runtime.clock import now
from apps.runtime.groupcommit import GroupCommit
from apps.runtime.seldom import Seldom
from apps.trace.queries import sent_as
from apps.wire.errors import MailError
from apps.wire.replies import Reply

__all__ = ["Addressee", "Arrival", "Grey", "Greylist"]

logger = logging.getLogger(__name__)

DEADLINE: Final = 3.0  # seconds
WAITING_OF_ORIGIN: Final = 50
"""Rows of one origin that wait. All further mail of it waits as one, so that a flood of made-up
senders neither fills the table nor switches greylisting off."""
REFRESH_SECONDS: Final = 86_400
RECIPIENTS: Final = 100  # that are looked up for one message


@dataclass(frozen=True, slots=True)
class Grey:
    """What greylisting says of a message.

    Args:
        seconds: after which it may come back; 0: it is taken.
        words: for the trace; "" if greylisting had nothing to say.
        came_back: the sender has shown that it tries again.
    """

    seconds: int = 0
    words: str = ""
    came_back: bool = False

    @property
    def waits(self) -> bool:
        """Whether it is asked to come back."""
        return self.seconds > 0

    @property
    def reply(self) -> Reply:
        """The answer to a message that waits."""
        return Reply(
            451,
            "4.7.1",
            f"Greylisted: this sender is not known here yet, please try again in {self.seconds}"
            f" second{'s' * (self.seconds > 1)}\n"
            "(mail servers do so by themselves; the message is not lost)",
        )


@dataclass(frozen=True, slots=True)
class _Question:
    """What the database is asked about a message. Keys of rows, as `keys.key_of` makes them."""

    origin: str
    rows: tuple[tuple[int, str], ...]  # of the triplets: key, recipient
    rest: int  # of the row for all further mail of the origin
    names: tuple[int, ...]
    people: tuple[int, ...]
    answers: str
    users: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Answer:
    """`welcome`: why it is taken whatever the rows say, "" if there is no reason."""

    welcome: str
    held: dict[int, Held]
    waiting: int
    has_room: bool


def known_by(arrival: Arrival, grey: Grey) -> tuple[str, ...]:
    """The names that a sender is to be known by, once somebody wants what it brought.

    What nothing proves counts only if it came back: names are cheap.
    """
    return arrival.names if arrival.proven or grey.came_back else ()


class Greylist:
    """Greylisting for the connections of one event loop."""

    def __init__(self) -> None:
        self._questions: GroupCommit[_Question, _Answer] = GroupCommit(_look_up, pool="read")
        self._notes: GroupCommit[tuple[Note, ...], None] = GroupCommit(_write)
        self._log = Seldom(logger)

    async def decide(self, arrival: Arrival) -> Grey:
        """Say whether a message is asked to come back. Never raises; takes DEADLINE at most."""
        if not _is_wanted(arrival) or not arrival.doubt or not arrival.origin:
            return Grey()
        if carries_code(arrival.start, arrival.header):
            return Grey(words="Not asked to come back: it carries a code that somebody waits for.")
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._ask(arrival)
        except (MailError, TimeoutError) as error:
            detail = error.detail if isinstance(error, MailError) else "too late"
            self._log.info("greylisting is off", "store", {"detail": detail})
            return Grey(words="Not asked to come back: greylisting could not look it up.")

    async def close(self) -> None:
        """Write what waits to be written."""
        await self._questions.drain()
        await self._notes.drain()

    async def _ask(self, arrival: Arrival) -> Grey:
        question = _question(arrival)
        answer = await self._questions.submit(question)
        if answer.welcome:
            return Grey(words=f"Not asked to come back: {answer.welcome}.")
        at = now()
        grey, notes = _weigh(arrival, question, answer, at)
        if not notes:
            return grey
        try:
            await self._notes.submit(notes)
        except MailError:
            if grey.waits:
                raise  # what could not be noted would have to come back for ever
        return grey


def _is_wanted(arrival: Arrival) -> bool:
    return bool(arrival.recipients) and all(
        one.greylists and not one.is_role for one in arrival.recipients
    )


def _question(arrival: Arrival) -> _Question:
    origin, sender = arrival.origin, arrival.client.sender
    recipients = dict.fromkeys(one.address for one in arrival.recipients[:RECIPIENTS])
    users = dict.fromkeys(
        one.user_id for one in arrival.recipients[:RECIPIENTS] if one.user_id is not None
    )
    return _Question(
        origin,
        tuple((key_of(origin, sender, one), one) for one in recipients),
        key_of(origin, "", ""),
        tuple(key_of(name) for name in arrival.names),
        tuple(key_of(str(user), address) for user in users for address in arrival.people),
        arrival.answers,
        frozenset(users),
    )


def _look_up(batch: list[_Question]) -> list[_Answer | MailError]:
    """Ask for a batch, on a database thread; a handful of statements for any number."""
    known = queries.known([key for one in batch for key in one.names])
    written = queries.written_to([key for one in batch for key in one.people])
    held = queries.held([key for one in batch for key in (one.rest, *(row for row, _ in one.rows))])
    waiting = queries.waiting(sorted({one.origin for one in batch}))
    has_room = greylisting.has_room()
    return [
        _Answer(_welcome(one, known, written), held, waiting.get(one.origin, 0), has_room)
        for one in batch
    ]


def _welcome(question: _Question, known: set[int], written: set[int]) -> str:
    if not known.isdisjoint(question.names):
        return "mail from this sender came on other days before"
    if not written.isdisjoint(question.people):
        return "a recipient wrote to this sender before"
    if question.answers and any(
        user in question.users for _, user in sent_as(question.answers, limit=10)
    ):
        return "it answers what a recipient sent"
    return ""


def _weigh(
    arrival: Arrival, question: _Question, answer: _Answer, at: int
) -> tuple[Grey, tuple[Note, ...]]:
    """Decide by what is remembered, and say what is to be remembered."""
    rows = [(recipient, answer.held.get(key)) for key, recipient in question.rows]
    if any(row is not None and row.passed_at for _, row in rows):
        grey = Grey(words="Not asked to come back: this sender came back before.", came_back=True)
        return grey, _passes(arrival, [one for one in rows if _is_stale(one[1], at)], at)
    waited = _waited([row for _, row in rows], at)
    if waited >= _patience():
        grey = Grey(words=f"It came back after {_span(waited)}.", came_back=True)
        return grey, _passes(arrival, rows, at)
    is_crowded = answer.waiting + sum(row is None for _, row in rows) > WAITING_OF_ORIGIN
    rest = answer.held.get(question.rest)
    if is_crowded and (waited := max(waited, _waited([rest], at))) >= _patience():
        return Grey(words="Mail of this kind came back."), ()
    if not answer.has_room:
        return Grey(words="Not asked to come back: too much waits already."), ()
    seconds = max(1, _patience() - max(waited, 0))
    how = "it came too early" if waited >= 0 else "it is the first of its kind"
    grey = Grey(seconds, f"Asked to come back in {_span(seconds)}: {arrival.doubt}; {how}.")
    return grey, _waits(arrival, [("", rest)] if is_crowded else rows, at)


_Rows = Sequence[tuple[str, Held | None]]


def _waited(rows: Sequence[Held | None], at: int) -> int:
    """For how long the first of them has waited, in seconds; -1 if none does."""
    ages = [at - row.first_at for row in rows if row is not None]
    return max((age for age in ages if age <= WINDOW_SECONDS), default=-1)


def _is_stale(row: Held | None, at: int) -> bool:
    return row is not None and (not row.passed_at or at - row.last_at > REFRESH_SECONDS)


def _passes(arrival: Arrival, rows: _Rows, at: int) -> tuple[Note, ...]:
    """What is noted of mail that came back. Nothing of recipients that it did not wait for: only
    what waits makes rows, and of that there is a limit."""
    origin, sender = arrival.origin, arrival.client.sender
    return tuple(
        Note(origin, sender, recipient, first_at=row.first_at, last_at=at, passed_at=at)
        for recipient, row in rows
        if row is not None
    )


def _waits(arrival: Arrival, rows: _Rows, at: int) -> tuple[Note, ...]:
    """What is noted of mail that waits: a row for each recipient, or the one without recipient for
    all further mail of the origin."""
    sender = arrival.client.sender
    return tuple(
        Note(arrival.origin, sender if one else "", one, first_at=_begun(row, at), last_at=at)
        for one, row in rows
    )


def _begun(row: Held | None, at: int) -> int:
    """Since when it waits: who stayed away for too long begins anew."""
    return at if row is None or at - row.first_at > WINDOW_SECONDS else row.first_at


def _patience() -> int:
    return int(settings.GREYLIST_SECONDS)


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds // 3_600} h"


def _write(batch: list[tuple[Note, ...]]) -> list[MailError | None]:
    greylisting.note(note for notes in batch for note in notes)
    return [None] * len(batch)
