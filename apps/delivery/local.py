"""Carry out what was planned: file copies, keep them, let what leaves us wait for its destination,
refuse, hold or put off; and settle the queue's rows. The one transaction of local delivery.

It begins by locking the rows, and so finds out which of the messages may still be refused: the
verdict, the delivery and what a door tells its client are then one commit.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any, Final

from django.db import transaction

from apps.delivery import bounce, decision, heldmail, tidings, vacation
from apps.delivery.plan import Copy, Plan
from apps.events import bell, bus
from apps.events.types import MessageJudged
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import MessageState
from apps.mailqueue.services import Departure, LeaseLostError
from apps.mailstore.services.deliver import Filed, deliver
from apps.mailstore.services.quota import release
from apps.reception.acquaintance import COUNTS
from apps.reports.services import note_arrivals
from apps.scan.deeds import Deed, Done
from apps.scan.services import quarantine, verdicts
from apps.scan.services.verdicts import Keeping
from apps.trace import services as trace

REFUSED: Final = "mx.refused"


_Deeds = list[tuple[Keeping | None, list[Deed]]]  # the verdict, and what was done with each copy


@dataclass(slots=True)
class _Groups:
    """A batch by what is done with its messages."""

    refused: list[Plan] = field(default_factory=list)
    held: list[Plan] = field(default_factory=list)
    put_off: list[Plan] = field(default_factory=list)
    delivered: list[Plan] = field(default_factory=list)


def file_plans(plans: Sequence[Plan]) -> None:
    """Carry out plans, within the caller's transaction.

    Raises:
        LeaseLost: some of them are ours no more; the transaction must not commit.
    """
    groups = _grouped(plans)
    deeds: _Deeds = []
    events = list(_judged(plans))
    if groups.refused:
        deeds += _refuse(groups.refused)
    if groups.held:
        deeds += _hold(groups.held)
    if groups.put_off:
        deeds += _put_off(groups.put_off)
    events += _told(groups)
    if groups.delivered:
        done, told = _deliver(groups.delivered)
        deeds += done
        events += told
    trace.record(events)
    _tell(plans)
    if reports := [report for one in groups.delivered for report in one.reports]:
        bounce.send(reports)
    vacation.send([reply for one in groups.delivered for reply in one.replies])
    verdicts.keep([(keeping, done) for keeping, done in deeds if keeping is not None])
    for one in plans:
        if one.message.state == MessageState.OFFERED:
            bus.publish_on_commit(MessageJudged(one.id.int))
    if groups.held:
        # The last: it locks the counts of letters.
        heldmail.send([one.notice for one in groups.held if one.notice is not None])


def _tell(plans: Sequence[Plan]) -> None:
    """To who sent them, and to whom they report on what those sent."""
    tidings.tell(one.message.user_id for one in plans)
    tidings.tell(copy.user_id for one in plans if one.events for copy in one.copies)


def _grouped(plans: Sequence[Plan]) -> _Groups:
    """Lock the messages, and see which of them may still be refused."""
    may_be_refused = {}
    for token, group in groupby(sorted(plans, key=_token), key=_token):
        may_be_refused.update(mailqueue.lock(token, [one.id for one in group]))
    if lost := [one.id for one in plans if one.id not in may_be_refused]:
        raise LeaseLostError(lost)
    groups = _Groups()
    for one in plans:
        decided = one.decision
        if decided.refusal is not None and may_be_refused[one.id]:
            groups.refused.append(one)
        elif decided.hold:
            groups.held.append(one)
        elif decided.put_off:
            groups.put_off.append(one)
        else:
            groups.delivered.append(one)
    return groups


def _token(one: Plan) -> Any:
    return one.message.token


def _refuse(plans: Sequence[Plan]) -> _Deeds:
    rows = [
        (one.id, decision.written(one.decision.refusal)) for one in plans if one.decision.refusal
    ]
    release(mailqueue.refuse(rows))
    reports = [report for one in plans for report in one.reports]
    transaction.on_commit(partial(bounce.discard, reports))
    # What was only put off comes again under another id, and is judged then.
    return [
        (one.judged.keeping if not one.decision.put_off else None, _whole(one, Done.REFUSED))
        for one in plans
    ]


def _hold(plans: Sequence[Plan]) -> _Deeds:
    for one in plans:
        mailqueue.hold_unseen(one.message, one.decision.hold)
    return [(one.judged.keeping, _whole(one, Done.HELD)) for one in plans]


def _put_off(plans: Sequence[Plan]) -> _Deeds:
    """Let them come again. Until then their verdicts say what they wait for."""
    for one in plans:
        mailqueue.put_off(one.message, one.decision.put_off)
    return [(one.judged.keeping, _whole(one, Done.WAITING)) for one in plans]


def _whole(one: Plan, done: Done) -> list[Deed]:
    """The same with all copies of a message."""
    decided = one.decision
    why = decided.hold or decided.put_off or (decided.refusal.why if decided.refusal else "")
    forwarders = one.judged.seated.forwarders
    return [
        Deed(
            recipient.address,
            recipient.original,
            recipient.user_id,
            done,
            why,
            forwarder=forwarders[recipient.id].user_id if recipient.id in forwarders else None,
        )
        for recipient in one.message.recipients
    ]


def _deliver(plans: Sequence[Plan]) -> tuple[_Deeds, list[trace.Event]]:
    _settle(plans)
    filed = deliver([filing for one in plans for filing in one.filings])
    release([freed for one in plans for freed in _unused(one)])
    quarantine.take([taking for one in plans for taking in one.takings])
    note_arrivals([one.arrived for one in plans if one.arrived is not None])
    if names := [name for one in plans for name in one.known_by]:
        transaction.on_commit(partial(COUNTS.add, names))
    places = iter(filed)
    done = [(one, [_placed(copy, places) for copy in one.copies]) for one in plans]
    said = (event for one in plans for event in (*one.events, *one.asides))
    told = [*_delivered(done), *_waiting(plans), *said]
    return [(one.judged.keeping, [_deed(*pair) for pair in pairs]) for one, pairs in done], told


def _unused(one: Plan) -> list[tuple[int, int]]:
    """(user, bytes) reserved for recipients whose copy went elsewhere, or nowhere yet."""
    filed = {(copy.recipient.id, copy.user_id) for copy in one.copies if copy.mailbox_id}
    return [
        (recipient.user_id, recipient.reserved)
        for recipient in one.message.recipients
        if recipient.user_id is not None
        and recipient.reserved
        and (recipient.id, recipient.user_id) not in filed
    ]


def _settle(plans: Sequence[Plan]) -> None:
    states = {
        one.id: MessageState.ROUTED.value if one.waiting else MessageState.DONE.value
        for one in plans
    }
    for token, group in groupby(sorted(plans, key=_token), key=_token):
        ids = [one.id for one in group]
        for state in sorted(set(states.values())):
            if mine := [item for item in ids if states[item] == state]:
                mailqueue.settle(token, mine, state)
    mailqueue.settle_recipients(
        [(recipient.id, state, words) for one in plans for recipient, state, words in one.outcomes]
    )
    departures = [
        Departure(one.id, one.signatures, tuple((gone.id, name) for gone, name in one.departures))
        for one in plans
        if one.departures
    ]
    if departures:
        mailqueue.wait(departures)
        transaction.on_commit(bell.ring_outgoing)


def _placed(copy: Copy, places: Iterator[Filed]) -> tuple[Copy, Filed | None]:
    """A copy with where it lies now; `places` are those of the filed ones, in their order."""
    return copy, next(places) if copy.mailbox_id else None


def _deed(copy: Copy, where: Filed | None) -> Deed:
    recipient = copy.recipient
    return Deed(
        recipient.address,
        recipient.original,
        copy.user_id,
        copy.done,
        copy.why,
        where.mailbox_id if where else 0,
        where.uid if where else 0,
        copy.forwarder,
    )


def _judged(plans: Sequence[Plan]) -> Iterator[trace.Event]:
    for one in plans:
        if one.judged.keeping is not None:
            yield trace.Event(one.message.trace_id, "scan.judged", one.judged.verdict.as_summary())


def _told(groups: _Groups) -> Iterator[trace.Event]:
    """What is told of messages as a whole."""
    for one in groups.refused:
        yield trace.Event(one.message.trace_id, REFUSED, _refusal(one))
    for one in groups.held:
        yield trace.Event(one.message.trace_id, "queue.held", {"why": one.decision.hold})
    for one in groups.put_off:
        yield trace.Event(one.message.trace_id, "queue.put_off", {"why": one.decision.put_off})


def _refusal(one: Plan) -> dict[str, Any]:
    """As doors tell of what they refuse themselves."""
    message, refusal = one.message, one.decision.refusal
    assert refusal is not None
    reply = refusal.reply
    return {
        **json.loads(message.client),
        "from": message.sender,
        "to": list(dict.fromkeys(recipient.original for recipient in message.recipients)),
        "stage": "data",
        "cause": refusal.cause,
        "why": refusal.why,
        "reply": f"{reply.code} {reply.enhanced} {reply.text}",
    }


def _delivered(
    done: Sequence[tuple[Plan, Sequence[tuple[Copy, Filed | None]]]],
) -> Iterator[trace.Event]:
    for one, pairs in done:
        for copy, where in pairs:
            if where is not None:
                told = {
                    "to": copy.recipient.address,
                    "mailbox": where.mailbox_id,
                    "uid": where.uid,
                    **(_junk(copy) if copy.done is Done.JUNK else {}),
                }
                yield trace.Event(one.message.trace_id, "local.delivered", told)


def _junk(copy: Copy) -> dict[str, Any]:
    return {"junk": copy.why, "by": copy.by, "points": copy.points}


def _waiting(plans: Sequence[Plan]) -> list[trace.Event]:
    return [
        trace.Event(
            one.message.trace_id,
            "queue.held" if recipient.id in held else "queue.waiting",
            {"to": recipient.address, "why": words},
        )
        for one in plans
        for held in [one.held]
        for recipient, words in one.waiting
    ]
