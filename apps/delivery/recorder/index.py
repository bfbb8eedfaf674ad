"""Catching up with the events: those of each message that something new is known of are read and
folded, and what they come to is put into the index.

Whoever catches up does the same, however often: a message is folded whole each time. Several may do
it at once: the one whose cursor has been moved meanwhile throws away what it has made.
"""

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from apps.delivery.recorder.doors import OF_USERS
from apps.delivery.recorder.fold import fold
from apps.delivery.recorder.folded import Folded
from apps.delivery.recorder.reading import data_of, word
from apps.delivery.recorder.sight import key_of
from apps.delivery.states import EVENTS_MAX
from apps.mime.address import take_apart
from apps.runtime.rows import among, among_texts, aware, fetch, listed, listed_texts
from apps.trace import passages, services, unread, words
from apps.trace import queries as traces
from apps.trace.models import Role
from apps.trace.queries import Recorded
from apps.trace.services import Indexed, Taking

logger = logging.getLogger(__name__)

BATCH: Final = 1_000  # events of a transaction: some 200 messages
EVENTS_OF_ONE: Final = 1_000  # of a message, but for the few that have more
PARTIES_OF_ONE: Final = 5_000  # in each role: whoever is not among them does not see it
PATIENCE: Final = 1.0  # seconds that the background waits for transactions that began before


@dataclass(frozen=True, slots=True)
class Step:
    """What was done.

    Args:
        events, messages: how many were read, and how many of them are in the index.
        is_done: nothing was left that could have been read.
    """

    events: int = 0
    messages: int = 0
    is_done: bool = True


def catch_up(*, seconds: float, batches: int = 1_000_000, patience: float = 0.0) -> Step:
    """Catch up for so long, or so many batches, or until all is read."""
    end = time.monotonic() + seconds
    events = messages = 0
    step = Step(is_done=False)
    while batches and not step.is_done and time.monotonic() < end:
        step = catch_up_once(patience=patience)
        events, messages, batches = events + step.events, messages + step.messages, batches - 1
        if not step.events:
            break
    return Step(events, messages, step.is_done)


def catch_up_once(*, most: int = BATCH, patience: float = 0.0) -> Step:
    """Read some events, and put what their messages come to into the index."""
    before = passages.cursor()
    new = unread.after(before, most, patience)
    if new.last_id == before:
        return Step(is_done=new.is_all)
    events = traces.stories(new.traces, few=EVENTS_OF_ONE, most=EVENTS_MAX)
    found = [one for trace_id in new.traces if (one := _folded(trace_id, events.get(trace_id, [])))]
    known = passages.times_of([one.trace_id for one in found])
    messages = [_indexed(one) for one in found]
    worded = [one for one in messages if known.get(one.trace_id) != (one.at, one.subject)]
    stale = [
        words.place(known[one.trace_id][0], one.trace_id) for one in worded if one.trace_id in known
    ]
    parties = parties_of(found, events)
    if not services.index(before, new.last_id, messages, parties, worded=worded, stale=stale):
        return Step(is_done=False)  # somebody else was faster
    return Step(new.events, len(messages), new.is_all)


def _folded(trace_id: UUID, events: Sequence[Recorded]) -> Folded | None:
    """What they come to. The index goes on, whatever strangers have brought to be recorded."""
    try:
        return fold(trace_id, events)
    except Exception:
        logger.exception("a message is left out of the trace index", extra={"trace": str(trace_id)})
        return None


def _indexed(one: Folded) -> Indexed:
    shown = (*one.written, *one.finals)
    return Indexed(
        trace_id=one.trace_id,
        at=one.at_us,
        last_at=one.last_at_us,
        direction=one.direction,
        door=one.door,
        sender=one.sender,
        recipient=shown[0] if shown else "",
        recipients=len(one.written) or len(one.finals),
        subject=_plain(one.subject, 300),
        message_id=one.message_id,
        address=one.address,
        peer=one.peer.casefold(),
        size=one.size,
        points=one.points,
        outcome=one.outcome,
        cause=one.cause,
        took=one.took_us,
    )


def _plain(text: str, most: int) -> str:
    """As the column keeps it, so that it is the same when it is read again."""
    return text[:most].encode("utf-8", "replace").decode().replace("\0", "?")


class _Owner(NamedTuple):
    """Whose an address is: ids of the directory, None for what is elsewhere."""

    user_id: int | None = None
    domain_id: int | None = None
    user_since: int = 0  # microseconds: what was before was somebody else's
    domain_since: int = 0

    def at(self, at_us: int) -> tuple[int | None, int | None]:
        """Whose it was then."""
        return (
            self.user_id if self.user_since <= at_us else None,
            self.domain_id if self.domain_since <= at_us else None,
        )


_NOBODY: Final = _Owner()


class _End(NamedTuple):
    """What became of one recipient, and the domain in whose figures that counts."""

    outcome: str | None = None
    took_us: int | None = None
    counted_id: int | None = None


_NOTHING: Final = _End()


def parties_of(found: Sequence[Folded], events: dict[UUID, list[Recorded]]) -> list[Taking]:
    """Who took part in the messages, each in each role once."""
    accounts = {one.trace_id: _account(events[one.trace_id]) for one in found if _is_ours(one)}
    keys = {address: key_of(address) for one in found for address in _recipients(one)}
    owners = _owners({*keys.values(), *accounts.values()} - {""})
    senders = _users(passages.senders_of(list(accounts)))
    whose = {address: owners[key] for address, key in keys.items() if key in owners}
    parties: list[Taking] = []
    for one in found:
        account = accounts.get(one.trace_id, "")
        sender = senders.get(one.trace_id) or owners.get(account, _NOBODY)
        ends = _ends(one, sender, whose)
        rows: dict[tuple[str, str], Taking] = {}
        if one.sender:
            key = key_of(one.sender)
            _add(rows, one, Role.SENDER, key, sender, ends.get("", _NOTHING))
        for role, addresses in ((Role.WRITTEN, one.written), (Role.FINAL, one.finals)):
            for address in addresses[:PARTIES_OF_ONE]:
                owner, end = whose.get(address, _NOBODY), ends.get(address, _NOTHING)
                _add(rows, one, role, keys[address], owner, end)
        parties += rows.values()
    return parties


def _ends(one: Folded, sender: _Owner, whose: Mapping[str, _Owner]) -> dict[str, _End]:
    """What became of each recipient, by the address as it is spelt; "" where none is named."""
    found = {}
    for fate in one.fates:
        owners = whose.get(fate.address), whose.get(fate.written), sender
        homes = (owner.at(one.at_us)[1] for owner in owners if owner is not None)
        took = None if fate.is_open else max(0, fate.at_us - one.at_us)
        counted = next((home for home in homes if home is not None), None)
        found[fate.address] = _End(fate.outcome.value, took, counted)
    return found


def _add(
    rows: dict[tuple[str, str], Taking], one: Folded, role: Role, key: str, owner: _Owner, end: _End
) -> None:
    key = _plain(key, 320)
    user_id, domain_id = owner.at(one.at_us)
    taking = Taking(
        one.trace_id,
        one.at_us,
        role.value,
        key,
        take_apart(key)[1],
        user_id,
        domain_id,
        outcome=end.outcome,
        took=end.took_us,
        counted_id=end.counted_id,
    )
    rows.setdefault((taking.role, key), taking)


def _recipients(one: Folded) -> Iterable[str]:
    yield from one.written[:PARTIES_OF_ONE]
    yield from one.finals[:PARTIES_OF_ONE]


def _is_ours(one: Folded) -> bool:
    """Whether who sent it is known. At other doors anybody may call himself anything."""
    return one.door in OF_USERS


def _account(events: Iterable[Recorded]) -> str:
    """The key of who had signed in; "" if it was not recorded."""
    for one in events:
        if account := word(data_of(one), "account"):
            return key_of(account)
    return ""


_HOMES: Final = (
    "SELECT name, id, alias_of_id, detail_separator, created_at FROM directory_domain WHERE "
)
_BY_ID: Final = """
SELECT d.id, d.name, d.detail_separator FROM directory_domain d
WHERE d.id IN (SELECT alias_of_id FROM directory_domain WHERE {names})"""
_USERS: Final = "SELECT key, id, created_at FROM directory_user WHERE state <> 'removed' AND {keys}"
_OWN: Final = "SELECT id, domain_id FROM directory_user WHERE {ids}"


def _owners(keys: Collection[str]) -> dict[str, _Owner]:
    """Whose some addresses are, in three statements: users by their address, also in an alias
    domain and with a detail; of other addresses in domains of ours the domain."""
    if not keys:
        return {}
    parts = {key: take_apart(key) for key in keys}
    names = listed_texts(sorted({domain for _, domain in parts.values()}))
    homes = {row[0]: row[1:] for row in fetch(_HOMES + among_texts("name"), [names])}
    if not homes:
        return {}
    targets = {row[0]: row[1:] for row in fetch(_BY_ID.format(names=among_texts("name")), [names])}
    ways = {
        key: _spellings(local, domain, homes[domain], targets)
        for key, (local, domain) in parts.items()
        if domain in homes
    }
    asked = listed_texts(sorted({one for some in ways.values() for one in some}))
    users = {
        key: (user_id, _us(since))
        for key, user_id, since in fetch(_USERS.format(keys=among_texts("key")), [asked])
    }
    found = {}
    for key, some in ways.items():
        home, _, _, since = homes[parts[key][1]]
        user_id, user_since = next((users[one] for one in some if one in users), (None, 0))
        found[key] = _Owner(user_id, home, user_since, _us(since))
    return found


def _us(moment: datetime) -> int:
    """Unix microseconds."""
    return int(aware(moment).timestamp() * 1_000_000)


def _spellings(
    local: str,
    domain: str,
    home: tuple[Any, ...],
    targets: dict[int, tuple[Any, ...]],
) -> list[str]:
    """The keys that the user of an address may have, in the order of the rules."""
    _, alias_of, separator, _ = home
    if alias_of is not None and alias_of in targets:
        domain, separator = targets[alias_of]
    found = [f"{local}@{domain}"]
    head, sign, _ = local.partition(separator) if separator else (local, "", "")
    if head and sign:
        found.append(f"{head}@{domain}")
    return found


def _users(senders: dict[UUID, int]) -> dict[UUID, _Owner]:
    """Who sent messages, and where they are at home."""
    if not senders:
        return {}
    rows = fetch(_OWN.format(ids=among("id")), [listed(sorted(set(senders.values())))])
    homes = dict(rows)
    return {trace: _Owner(user, homes.get(user)) for trace, user in senders.items()}
