"""What a client is told of its mailbox without having asked: EXPUNGE, EXISTS, RECENT, FLAGS, FETCH.

`tell` is called by the dispatcher at the end of a command and by IDLE, nowhere else (RFC 3501
section 7.4.1). How lines are written depends on what the client enabled: `Wording`.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.imap.context import Context, Selected
from apps.imap.messages.fetchplan import filled
from apps.imap.names.naming import settable
from apps.imap.proto.flags import ALL_SYSTEM, system_names
from apps.imap.proto.responses import untagged
from apps.imap.proto.sets import Interval, SequenceSet, format_runs, gaps, runs_of, within
from apps.imap.selected.view import Pending
from apps.mailstore import queries
from apps.mailstore.services.keywords import BITS as KEYWORD_BITS
from apps.runtime.db import in_db

RUNS_MAX = 2_000
"""Ranges in one line of VANISHED."""
PAGE = 10_000
"""Expunges told before others have a turn."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How FETCH lines are written for one client.

    verb: FETCH, or UIDFETCH, whose number is the UID (RFC 9586).
    uid: whether a line that was not asked for carries the UID (RFC 7162 section 3.2.4, RFC 9051
        section 7.5.2).
    modseq: whether a line that tells FLAGS carries MODSEQ (RFC 7162 section 3.1).
    """

    verb: bytes
    uid: bool
    modseq: bool

    @property
    def head(self) -> bytes:
        """The beginning of a line up to its items, to be filled with a number."""
        return b"* %d " + self.verb + b" ("

    def numbers(self, seqs: Sequence[int], uids: Sequence[int]) -> Sequence[int]:
        """The numbers that lines about these messages begin with."""
        return uids if self.verb == b"UIDFETCH" else seqs


def wording(context: Context) -> Wording:
    """Return how lines are written now."""
    if context.uidonly:
        return Wording(b"UIDFETCH", False, context.condstore)
    return Wording(b"FETCH", context.condstore or context.rev2, context.condstore)


def changed_lines(
    context: Context,
    selected: Selected,
    seqs: Sequence[int],
    uids: Sequence[int],
    *,
    uid: bool = False,
    flags: bool = True,
) -> bytes:
    """Return the lines that tell the flags of messages (ascending, not none), and what else belongs
    to it.

    Args:
        uid: with the UID in any case, but for UIDFETCH.
        flags: False tells the modseq alone: the client knows the flags.
    """
    how = wording(context)
    columns: list[Iterable[Any]] = [how.numbers(seqs, uids)]
    items: list[bytes] = []
    if how.uid or (uid and how.verb == b"FETCH"):
        items.append(b"UID %d")
        columns.append(uids)
    if flags:
        items.append(b"FLAGS (%b)")
        columns.append(flag_texts(selected, uids))
    if how.modseq:
        items.append(b"MODSEQ (%d)")
        columns.append(modseqs(selected, uids))
    return filled(how.head + b" ".join(items) + b")\r\n", *columns)


def modseqs(selected: Selected, uids: Sequence[int]) -> list[int]:
    """Return the modseq of each of a page (ascending, not none); 0 for one that is gone: its last
    is not kept."""
    return selected.held.mirror.modseqs_of(uids)


def vanished_lines(runs: Sequence[Interval], *, earlier: bool = False) -> bytes:
    """Return `* VANISHED` of these UIDs (RFC 7162 section 3.2.10); nothing if there are none. Many
    runs make several lines: clients have limits."""
    head = b"* VANISHED %b" % (b"(EARLIER) " * earlier)
    return b"".join(
        [
            b"%b%b\r\n" % (head, format_runs(runs[start : start + RUNS_MAX]))
            for start in range(0, len(runs), RUNS_MAX)
        ]
    )


async def vanished_since(
    context: Context,
    numbers: SequenceSet | None,
    modseq: int,
    matched: Sequence[tuple[Interval, Interval]] = (),
) -> bytes:
    """Return the line that tells what was expunged of the selected mailbox after `modseq`: for
    SELECT (QRESYNC ...) and UID FETCH ... VANISHED (RFC 7162 sections 3.2.5, 3.2.6).

    What the client still numbers is left out: the dispatcher tells it, without EARLIER.

    Args:
        numbers: only of these UIDs; None for all.
        matched: runs of sequence numbers and of the UIDs that the client knew them by; of use where
            expunges have been forgotten: below a pair that still matches nothing is missing that
            the client does not know of (section 3.2.5.2).
    """
    selected = context.mailbox
    view = selected.view
    largest = selected.held.mirror.uidnext - 1
    # `*` is the last UID that was ever given: who asks for 1:* wants to hear of all.
    asked = [(1, largest)] if numbers is None else view.intervals(numbers, largest)
    same = view.last_match(matched)
    return await in_db(
        "read", _vanished_since, selected.mailbox_id, modseq, view.uids, asked, same, largest
    )


def _vanished_since(
    mailbox_id: int,
    modseq: int,
    numbered: array[int],
    asked: list[Interval],
    same: int,
    largest: int,
) -> bytes:
    """The whole of it on a database thread: it may be about all messages of a mailbox."""
    gone = queries.expunged_since(mailbox_id, modseq)
    if gone is None:
        asked = [(max(low, same + 1), min(high, largest)) for low, high in asked]
        return vanished_lines(gaps(numbered, asked), earlier=True)
    unknown = set(within(gone, asked)).difference(numbered)
    return vanished_lines(runs_of(sorted(unknown)), earlier=True)


async def tell(context: Context, *, expunges: bool, is_answer: bool = False) -> None:
    """Write all pending news of the selected mailbox; EXPUNGE only if allowed now.

    What is \\Recent must be asked of the database, so RECENT comes last: nothing else waits for it.

    Args:
        is_answer: EXPUNGE lines are what the client has asked for, so they come whether it wants
            news or not (`Context.wishes`).
    """
    selected = context.selected
    if selected is None:
        return
    if selected.view.untold_count > PAGE:
        await asyncio.sleep(0)  # to take so many in took its time already
    tell_keywords(context, selected)
    for one in list(selected.updating):
        await one.tell(context)
    if selected.view.has_news:
        await _tell_news(context, selected, expunges=expunges, is_answer=is_answer)
        for one in list(selected.updating):
            await one.tell(context)


async def _tell_news(
    context: Context, selected: Selected, *, expunges: bool, is_answer: bool
) -> None:
    view, wishes = selected.view, context.wishes
    last, recent = view.last_uid, view.recent_count
    wants = wishes.messages or is_answer
    pending = view.take(expunges=expunges and wants, arrivals=wants, flags=wishes.flags)
    await _tell_expunged(context, pending)
    if pending.exists is not None:
        context.write(b"* %d EXISTS\r\n" % pending.exists)
        _announce(context, selected, last)
    await _tell_changes(context, selected, pending.changed)
    _tell_modseq(context, selected)
    if pending.exists is not None:
        await claim_recent(context, selected, last + 1)
    # An expunge may lower it.
    if (pending.exists is not None or view.recent_count != recent) and not context.rev2:
        context.write(b"* %d RECENT\r\n" % view.recent_count)


async def _tell_changes(
    context: Context, selected: Selected, changed: Sequence[tuple[int, int]]
) -> None:
    """Tell the flags of these (seq, uid), in pages: they may be all there are."""
    size = context.limits.page_rows
    for start in range(0, len(changed), size):
        if start:
            await context.channel.drain()
            tell_keywords(context, selected)
        page = [one for one in changed[start : start + size] if not selected.view.is_gone(one[1])]
        if page:
            seqs, uids = zip(*page, strict=True)
            lines = changed_lines(context, selected, seqs, uids, uid=context.wishes.uids)
            context.write(lines)


def _announce(context: Context, selected: Selected, last: int) -> None:
    """Note which messages EXISTS has just told of, for who wants to be told more of them."""
    if context.wishes.items:
        new = selected.view.uids_after(last)
        selected.announced += [uid for uid in new if uid not in selected.own]
        selected.own.difference_update(new)


def _tell_modseq(context: Context, selected: Selected) -> None:
    """Lines may have told larger modseqs than that of an expunge that must wait: then the client
    must know from where it would have to ask again (RFC 7162 section 3.2, and the example of
    section 6)."""
    is_behind = selected.view.settled is not None
    if context.qresync and (is_behind or selected.is_behind):
        context.write(_highest_modseq(selected))
        selected.is_behind = is_behind


def _highest_modseq(selected: Selected) -> bytes:
    settled = selected.view.settled
    modseq = selected.held.mirror.modseq if settled is None else settled
    return untagged(b"OK", "Highest", b"HIGHESTMODSEQ %d" % modseq)


def enable_condstore(context: Context) -> None:
    """Carry out what every CONDSTORE enabling command means (RFC 7162 section 3.1): MODSEQ is told
    from here on, and the first such command tells that of the selected mailbox."""
    if not context.condstore and context.selected is not None:
        context.write(_highest_modseq(context.selected))
    context.enabled.add("CONDSTORE")


async def _tell_expunged(context: Context, pending: Pending) -> None:
    if context.qresync or context.uidonly:
        context.write(vanished_lines(runs_of(pending.vanished)))
        return
    for start in range(0, len(pending.expunged), PAGE):
        if start:
            await context.channel.drain()
            await asyncio.sleep(0)
        page = pending.expunged[start : start + PAGE]
        context.write(b"* %d EXPUNGE\r\n" * len(page) % page)


def flag_text(selected: Selected, uid: int, last: tuple[int, int] | None = None) -> bytes:
    """Return the names of all flags of a message as this session sees them; `last` are those that
    an expunged one had."""
    mirror = selected.held.mirror
    text = mirror.flag_names(*(last or mirror.flags_of(uid) or (0, 0)))
    if selected.view.is_recent(uid):
        return b"\\Recent " + text if text else b"\\Recent"
    return text


def flag_texts(selected: Selected, uids: Sequence[int]) -> list[bytes]:
    """Return `flag_text` of each of a page (ascending, not none)."""
    texts = selected.held.mirror.flag_texts(uids)
    for low, high in selected.view.recent_runs(uids):
        texts[low:high] = [b"\\Recent " + text if text else b"\\Recent" for text in texts[low:high]]
    return texts


async def claim_recent(context: Context, selected: Selected, first: int) -> None:
    """Make the messages from UID `first` on that the client knows \\Recent here, unless another
    session was told of them before.

    EXAMINE takes nothing from the sessions that may (RFC 3501 section 6.3.2).
    """
    if context.rev2:  # it knows no \\Recent (RFC 9051 appendix E): they stay another's
        return
    end = selected.view.last_uid + 1
    if selected.read_only:
        floor = selected.held.mirror.recent_floor
    else:
        floor = await context.mirrors.claim_recent(selected.held, end)
    selected.view.add_recent(max(first, floor), end)


def tell_keywords(context: Context, selected: Selected) -> None:
    """Announce the mailbox's flags, if they are not those announced before."""
    names = selected.held.mirror.keyword_names
    if selected.told_keywords == len(names):
        return
    selected.told_keywords = len(names)
    words = [name.encode("ascii") for _, name in sorted(names.items())]
    context.write(b"* FLAGS (%b)\r\n" % b" ".join([ALL_SYSTEM, *words]))
    lasting: list[bytes] = []
    if not selected.is_examined:
        lasting = system_names(settable(selected.place.rights))
    if lasting and selected.place.may("w"):
        lasting += words
        if len(names) < KEYWORD_BITS:
            lasting.append(b"\\*")  # new keywords can be made
    told = b"PERMANENTFLAGS (%b)" % b" ".join(lasting)
    context.write(untagged(b"OK", "Flags that stay", told))
