"""Mail that has waited for too long: its senders are told that it waits, or get it back.

Whoever tries a recipient decides this with the outcome. Here it is done for mail that nobody tries
for now, because its destination is closed or its next try is far away.

A clock that is set wrong must not return all mail at once: what has expired by the clock fails
without a last try only if its destination is known to be dead at this hour.
"""

import re
from collections.abc import Sequence
from typing import Final

from django.db import transaction

from apps.delivery import bounce
from apps.delivery.outbound import outcomes
from apps.delivery.outbound.outcomes import Settlement
from apps.delivery.outbound.retry import (
    EXPIRED,
    SECOND,
    Decision,
    Schedule,
    Standing,
    decide,
    temporary,
)
from apps.delivery.outbound.transactions import Work
from apps.events import bell
from apps.mailqueue import queries
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import Outgoing, OutgoingRecipient, Settled
from apps.remote.replies import Reply
from apps.remote.types import Outcome, Result
from apps.runtime.clock import now_us
from apps.runtime.db import translate_errors

BATCH = 100
DEAD_SECONDS = 3600  # a destination that failed within this time is dead
WAITS = "nobody could be reached there yet"
_SERVER_SAID: Final = re.compile(r"([2-5][0-9]{2}) (.+)", re.DOTALL)


def run(schedule: Schedule) -> int:
    """Tell and end what is overdue; how many recipients it was.

    Raises:
        StorageUnavailable: the rest is found by the next run.
    """
    seen: set[int] = set()
    while True:
        now = now_us()
        with translate_errors():
            found = mailqueue.claim_overdue(
                BATCH,
                untold_before_us=now - schedule.warn_after * SECOND,
                expired_before_us=now - schedule.bounce_after * SECOND,
            )
            for message in found:
                _end(message, schedule, now)
        ids = {one.id for message in found for one in message.recipients}
        # What was given a last try is overdue until that is over: it must not be claimed for ever.
        if not found or ids & seen:
            return len(seen)
        seen |= ids


def _end(message: Outgoing, schedule: Schedule, now: int) -> None:
    """Settle one message's recipients whose time is over, and tell its sender of the others."""
    decided = []
    for one in message.recipients:
        standing = Standing(message.since_us, one.attempts, one.is_delay_told)
        decided.append((one, decide(_last_heard(one), standing, schedule, now)))
    over = [pair for pair in decided if pair[1].result.outcome is Outcome.FAILED]
    waiting = [pair for pair in decided if pair[1].result.outcome is not Outcome.FAILED]
    if over and queries.is_dead(message.destination, now - DEAD_SECONDS * SECOND):
        outcomes.settle([_settlement(message, over, now)])
    elif over:
        _give_last_try(message, over)
    if waiting:
        _tell(_settlement(message, waiting, now))


def _last_heard(one: OutgoingRecipient) -> Result:
    """What was heard last, as a result again: the queue keeps a server's answer with its code, our
    own words without one."""
    found = _SERVER_SAID.match(one.last_reply)
    if found is None:
        return Result(one.id, Outcome.DEFERRED, 0, EXPIRED, one.last_reply or WAITS)
    reply = Reply(int(found[1]), (found[2],))
    status = temporary(reply.status)
    return Result(one.id, Outcome.DEFERRED, reply.code, status, reply.text, is_remote=True)


def _settlement(
    message: Outgoing,
    pairs: Sequence[tuple[OutgoingRecipient, Decision]],
    now: int,
) -> Settlement:
    work = Work(message, message.sender, tuple(one for one, _ in pairs))
    return Settlement(work, tuple(decision for _, decision in pairs), now, is_try=False)


def _give_last_try(message: Outgoing, pairs: Sequence[tuple[OutgoingRecipient, Decision]]) -> None:
    """Let the mail be tried now; whoever tries it ends it."""
    with transaction.atomic():
        mailqueue.settle_outgoing(
            [
                Settled(
                    *(message.token, message.id, one.id, "deferred", one.last_reply),
                    was_tried=False,
                )
                for one, _ in pairs
            ]
        )
        transaction.on_commit(bell.ring_outgoing)


def _tell(one: Settlement) -> None:
    """Report the delay; the next try stays when it was."""
    reports = outcomes.reports_of(one)
    try:
        with transaction.atomic():
            mailqueue.give_back(one.work.token, one.work.ids, delay_told=True)
            bounce.send(reports)
    except BaseException:
        bounce.discard(reports)
        raise
