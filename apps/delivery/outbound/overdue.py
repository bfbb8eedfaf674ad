"""Mail that has waited for too long: its senders are told that it waits, or get it back.

Whoever tries a recipient decides this with the outcome. Here it is done for mail that nobody tries
for now, because its destination is closed or its next try is far away.
"""

from collections.abc import Sequence

from django.db import transaction

from apps.delivery import bounce
from apps.delivery.outbound import outcomes
from apps.delivery.outbound.outcomes import Settlement
from apps.delivery.outbound.retry import SECOND, Decision, Schedule, Standing, decide
from apps.delivery.outbound.transactions import Work
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import Outgoing
from apps.remote.types import Outcome, Result
from apps.runtime.clock import now_us
from apps.runtime.db import translate_errors

BATCH = 100
WAITS = "nobody could be reached there yet"


def run(schedule: Schedule) -> int:
    """Tell and end what is overdue; how many recipients it was.

    Raises:
        StorageUnavailable: the rest is found by the next run.
    """
    total = 0
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
        total += sum(len(message.recipients) for message in found)
        if not found:
            return total


def _end(message: Outgoing, schedule: Schedule, now: int) -> None:
    """Settle one message's recipients whose time is over, and tell its sender of the others."""
    decided = []
    for one in message.recipients:
        reply = one.last_reply or WAITS
        result = Result(one.id, Outcome.DEFERRED, 0, "4.4.7", reply)
        standing = Standing(message.since_us, one.attempts, one.is_delay_told)
        decided.append((one, decide(result, standing, schedule, now)))
    over = [pair for pair in decided if pair[1].result.outcome is Outcome.FAILED]
    waiting = [pair for pair in decided if pair[1].result.outcome is not Outcome.FAILED]
    if over:
        outcomes.settle([_settlement(message, over, now)])
    if waiting:
        _tell(_settlement(message, waiting, now))


def _settlement(
    message: Outgoing,
    pairs: Sequence[tuple[mailqueue.OutgoingRecipient, Decision]],
    now: int,
) -> Settlement:
    work = Work(message, message.sender, tuple(one for one, _ in pairs))
    return Settlement(work, tuple(decision for _, decision in pairs), now, is_try=False)


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
