"""Puts the letters into the mailboxes, as if each had come on its day.

They go through the doors of the house: `prepare` derives what is kept of a message, `deliver` files
it, and its trace tells how it came in, what was thought of it and where it went. All of it is one
transaction, so that a demo is there or is not.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.core.management import call_command
from django.db import transaction

from apps.audit.guard import lifted
from apps.demo import accounts, days, flow, services
from apps.demo.filing import Copy, copies
from apps.demo.letters import Letter
from apps.demo.people import People, people
from apps.demo.post import Plan, letters
from apps.demo.traces import (
    TLS,
    arrival,
    envelope_sender,
    has_readers,
    host_of,
    identity,
    is_traced,
    of_letter,
)
from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import Counter
from apps.mailstore.origin import Origin
from apps.mailstore.services.deliver import Filed, Filing, deliver
from apps.mailstore.services.prepare import PreparedMessage, prepare
from apps.mailstore.services.restored import go_on_after
from apps.runtime.ulid import ulid_text
from apps.smtp.proto.trace_fields import Hop, received
from apps.trace import services as trace

HOST = "mail.fernhill.example"
BATCH = 100  # letters that are filed by one call

Progress = Callable[[int, int], object]  # letters filed so far, of how many


class NotOurs(Exception):
    """The installation is somebody's; the text is the sentence for people."""


@dataclass(frozen=True, slots=True)
class Made:
    """What there is now."""

    letters: int
    copies: int


def make(plan: Plan, progress: Progress) -> Made:
    """Make the demo. The database is up to date.

    Raises:
        NotOurs: there are users or domains that no demo made. Nothing was changed.
    """
    everybody = people()
    refuse_strangers(everybody)
    users = accounts.make(everybody)
    end = days.noon(plan.day)
    services.settle(everybody, days.beginning(end))
    written = letters(plan)
    kept = list(copies(written, everybody, end))
    with transaction.atomic():
        _file(kept, users, len(written), progress)
        trace.record(list(flow.past(everybody, end, plan.seed)))
    flow.present(everybody, users)
    flow.count()
    accounts.finish(everybody)
    return Made(len(written), len(kept))


def refuse_strangers(everybody: People) -> None:
    """Raises NotOurs if somebody lives here already."""
    if found := accounts.strangers(everybody):
        raise NotOurs(
            f"There are domains or users here that are not the demo's ({', '.join(found)});"
            " a demo is made in an empty folder only: set MAILHOST_DATA to another one."
        )


def forget() -> None:
    """Take everything away, to make it anew. Clients that remember it see other UIDVALIDITYs."""
    counter = Counter.objects.filter(name="uidvalidity").first()
    with lifted():
        call_command("flush", interactive=False, verbosity=0)
    go_on_after(counter.value if counter else 0)


def _file(kept: Sequence[Copy], users: dict[str, User], total: int, progress: Progress) -> None:
    places = {
        (key, box.name): box.id for key, user in users.items() for box in queries.mailboxes(user.pk)
    }
    done = 0
    for batch in _batches(kept):
        for is_own, some in groupby(batch, key=lambda copy: not copy.delivered_to):
            _file_batch(list(some), users, places, is_own=is_own)
        done += len({id(copy.letter) for copy in batch})
        progress(done, total)


def _batches(kept: Iterable[Copy]) -> Iterator[list[Copy]]:
    """All copies of a letter stay together: they are one message. What was written goes before
    what was received."""
    batch: list[Copy] = []
    for count, (_, some) in enumerate(groupby(kept, key=lambda copy: id(copy.letter)), 1):
        batch += some
        if count % BATCH == 0:
            yield sorted(batch, key=lambda copy: bool(copy.delivered_to))
            batch = []
    if batch:
        yield sorted(batch, key=lambda copy: bool(copy.delivered_to))


def _file_batch(
    batch: Sequence[Copy],
    users: dict[str, User],
    places: dict[tuple[str, str], int],
    *,
    is_own: bool,
) -> None:
    prepared: dict[int, PreparedMessage] = {}
    filings = []
    for copy in batch:
        message = prepared.get(id(copy.letter))
        if message is None:
            readers = sum(other.letter is copy.letter for other in batch)
            message = prepared[id(copy.letter)] = _prepared(copy, readers, is_own=is_own)
        user = users[copy.user]
        filings.append(
            Filing(
                message=message,
                user_id=user.pk,
                mailbox_id=places[copy.user, copy.mailbox],
                internaldate=arrival(copy.letter),
                origin=Origin("imap", user.pk) if is_own else Origin(_door(copy.letter), None),
                head=b"" if is_own else _head(copy),
                flags=copy.flags,
                keywords=copy.keywords,
            )
        )
    filed = deliver(filings, what="append" if is_own else "deliver")
    _record(batch, filed, prepared, users, is_own=is_own)


def _prepared(copy: Copy, readers: int, *, is_own: bool) -> PreparedMessage:
    letter = copy.letter
    if is_own:  # its writer's program stored it: no hop of ours is in it
        return prepare(letter.raw, trace_id=identity(letter, "own"))
    return prepare(
        letter.raw, trace_id=identity(letter, "trace"), prefix=prefix(letter, readers, copy)
    )


def prefix(letter: Letter, readers: int, copy: Copy) -> bytes:
    """Our Received field: where the letter came from, and when."""
    inside = letter.sender.is_user
    host, address = host_of(letter.sender.host)
    return received(
        Hop(
            helo="[192.0.2.17]" if inside else host,
            address="" if inside else address,
            host=HOST,
            protocol="ESMTPSA" if inside else "ESMTPS",
            id=ulid_text(identity(letter, "queue")),
            at=arrival(letter),
            tls=TLS,
            recipient=copy.delivered_to if readers == 1 else "",
        )
    )


def _head(copy: Copy) -> bytes:
    sender = envelope_sender(copy.letter)
    return f"Return-Path: <{sender}>\r\nDelivered-To: {copy.delivered_to}\r\n".encode()


def _door(letter: Letter) -> str:
    return "submission" if letter.sender.is_user else "smtp"


def _record(
    batch: Sequence[Copy],
    filed: Sequence[Filed],
    prepared: dict[int, PreparedMessage],
    users: dict[str, User],
    *,
    is_own: bool,
) -> None:
    """Tell of each letter once: with the copies that were delivered; of what went elsewhere alone,
    with the copy of its writer."""
    delivered: dict[int, list[tuple[Copy, Filed]]] = {}
    for copy, where in zip(batch, filed, strict=True):
        letter = copy.letter
        if is_own and (has_readers(letter) or not is_traced(letter)):
            continue
        delivered.setdefault(id(letter), []).append((copy, where))
    events: list[trace.Event] = []
    for some in delivered.values():
        letter = some[0][0].letter
        events += of_letter(letter, prepared[id(letter)].size, [] if is_own else some)
    trace.record(events)
    if is_own:
        trace.remember([_sent(copy, users) for copy in batch if is_traced(copy.letter)])


def _sent(copy: Copy, users: dict[str, User]) -> trace.SentMessage:
    """It ties the copy in Sent to what became of the letter."""
    letter = copy.letter
    trace_id, at_us = identity(letter, "trace"), arrival(letter) * 1_000_000
    return trace.SentMessage(trace_id, users[copy.user].pk, letter.message_id, "", at_us)
