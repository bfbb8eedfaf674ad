"""File what was planned, let what leaves us wait for its destination, and settle it: the one
transaction of local delivery."""

from collections.abc import Sequence
from itertools import groupby

from django.db import transaction

from apps.delivery import bounce
from apps.delivery.plan import Plan
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import MessageState
from apps.mailqueue.services import ClaimedRecipient, Departure
from apps.mailstore.services.deliver import Filed, Filing, deliver
from apps.mailstore.services.quota import release
from apps.reports.services import note_arrivals
from apps.trace import services as trace


def file_plans(plans: Sequence[Plan]) -> None:
    """Within the caller's transaction: settle the queue rows (which checks the leases), file the
    copies, queue the reports, note those that came, write the trace.

    Raises:
        LeaseLost: another worker has some of them; the transaction must not commit.
    """
    _settle(plans)
    pairs = [(one, recipient, filing) for one in plans for recipient, filing in one.filings]
    filed = deliver([filing for _, _, filing in pairs])
    release([freed for one in plans for freed in _unused(one)])
    trace.record(
        [
            *_scanned(plans),
            *_delivered(pairs, filed),
            *_waiting(plans),
            *(event for one in plans for event in one.events),
        ]
    )
    note_arrivals([one.arrived for one in plans if one.arrived is not None])
    if reports := [report for one in plans for report in one.reports]:
        bounce.send(reports)


def _unused(one: Plan) -> list[tuple[int, int]]:
    """(user, bytes) reserved for recipients whose copy went elsewhere, or nowhere yet."""
    filed = {(recipient.id, filing.user_id) for recipient, filing in one.filings}
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
    for token, group in groupby(
        sorted(plans, key=lambda one: one.message.token), key=lambda one: one.message.token
    ):
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


def _scanned(plans: Sequence[Plan]) -> list[trace.Event]:
    return [
        trace.Event(one.message.trace_id, "scan.judged", one.verdict.as_data()) for one in plans
    ]


def _delivered(
    pairs: Sequence[tuple[Plan, ClaimedRecipient, Filing]], filed: Sequence[Filed]
) -> list[trace.Event]:
    return [
        trace.Event(
            one.message.trace_id,
            "local.delivered",
            {
                "to": recipient.address,
                "mailbox": where.mailbox_id,
                "uid": where.uid,
                **_junk(one, recipient),
            },
        )
        for (one, recipient, _), where in zip(pairs, filed, strict=True)
    ]


def _junk(one: Plan, recipient: ClaimedRecipient) -> dict[str, str]:
    why = "" if one.judgement is None else one.judgement.junk_for(recipient.original)
    return {"junk": why} if why else {}


def _waiting(plans: Sequence[Plan]) -> list[trace.Event]:
    return [
        trace.Event(one.message.trace_id, "queue.waiting", {"to": recipient.address, "why": words})
        for one in plans
        for recipient, words in one.waiting
    ]
