"""Celery's doors to delivery:

the loops that the bells start, and the sweep that makes a lost bell cost seconds only.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from celery import shared_task
from django.conf import settings

from apps.delivery import administer, digests, dmarcreports, stopping, tlsreports
from apps.delivery.outbound import overdue, running
from apps.delivery.process import run_once
from apps.delivery.recorder import index
from apps.events import bell, bus
from apps.events.types import Event, HeavyRang, QueueRang
from apps.mailqueue import queries
from apps.mailqueue.models import Lane
from apps.mailqueue.services import PORTIONS
from apps.reception.acquaintance import COUNTS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loop:
    """How a loop of one lane works.

    Args:
        event: what it hears of mail by.
        most_seconds: it ends then, to let its worker do something else.
        linger_seconds: it ends after so long without mail.
    """

    event: type[Event]
    most_seconds: float
    linger_seconds: float


# Of the fast lane one always runs: doors wait for its verdicts, and to start one takes as long as
# the broker is not looked at, several times what a verdict takes.
LOOPS: Final[Mapping[Lane, Loop]] = {
    Lane.FAST: Loop(QueueRang, most_seconds=10.0, linger_seconds=10.0),
    Lane.HEAVY: Loop(HeavyRang, most_seconds=10.0, linger_seconds=1.0),
}
# After a batch that was not full the loop waits a moment, so that mail which trickles in is claimed
# together: a batch of one costs 1.7 ms, each further message in it 0.25 ms. And on SQLite every
# turn that the worker takes is a turn that the doors wait for. The first message after a silence
# waits for nothing, and a flood goes in batches that are nearly full; but not where doors wait for
# verdicts, for then no flood gathers while it waits.
TRICKLE_SECONDS = 0.0015  # for each message of the batch before
FLOOD_SECONDS, AWAITED_SECONDS = 0.15, 0.008
RETRIES_EVERY = 8  # under a flood every eighth step goes to mail that failed before
# A loop that hears nothing looks by itself, for what was held back until now or whose ring was
# lost; and so often whether it is to end.
LOOK_SECONDS, AWAKE_SECONDS = 2.5, 0.5
INDEX_SECONDS = 10.0  # then other housekeeping has its turn


@shared_task(name="delivery.process")
def process() -> None:
    """Work on the fast lane for 10 s; then let the worker do something else, and begin again.

    While it runs it listens on the event bus, so that mail which arrives meanwhile need not wait
    for the broker to be polled.
    """
    _work(Lane.FAST)
    if not stopping.is_stopped():
        bell.call_worker()


@shared_task(name="delivery.process_heavy")
def process_heavy() -> None:
    """Work on the heavy lane until nothing came for a while."""
    _work(Lane.HEAVY)


@cache
def _say_once(text: str) -> None:
    """Log it, once for each process."""
    logger.info(text)


def _work(lane: Lane) -> None:
    """Have a loop of a lane run, and write what it has counted."""
    try:
        _loop(lane)
    finally:
        COUNTS.write()


def _loop(lane: Lane) -> None:
    loop = LOOPS[lane]
    end = time.monotonic() + loop.most_seconds
    with bus.listen({loop.event}) as inbox:
        _say_once(f"mail of the {lane.label.lower()} lane is judged from now on")
        quiet_since = time.monotonic()
        steps = 0
        while time.monotonic() < min(end, quiet_since + loop.linger_seconds):
            steps += 1
            found = run_once(lane=lane, retries_first=steps % RETRIES_EVERY == 0)
            COUNTS.write_in_time()
            if found:
                quiet_since = time.monotonic()
            if 0 < found < PORTIONS[lane].messages:
                most = AWAITED_SECONDS if settings.SCAN_WAIT_SECONDS else FLOOD_SECONDS
                time.sleep(min(TRICKLE_SECONDS * found, most))
            elif not found:
                _rest(inbox, min(end, time.monotonic() + LOOK_SECONDS))
            if stopping.is_stopped():
                return
    # A bell that rang after the last look and before the inbox closed was heard by nobody else.
    if run_once(lane=lane):
        (bell.ring_heavy if lane is Lane.HEAVY else bell.ring)()


def _rest(inbox: bus.Inbox, until: float) -> None:
    """Wait for a bell, for the time, or for the end of the worker."""
    while (left := until - time.monotonic()) > 0 and not stopping.is_stopped():
        if inbox.wait(min(left, AWAKE_SECONDS)):
            return


@shared_task(name="delivery.sweep")
def sweep() -> None:
    """Beat: ring for whatever is due, in case a bell was lost or a lease lapsed; and have a loop
    listen for mail, if none does."""
    bell.ring()
    if queries.has_due(Lane.HEAVY):
        bell.ring_heavy()
    if queries.has_due_outgoing():
        bell.call_senders()


@shared_task(name="delivery.send")
def send() -> None:
    """Send to other servers until nothing is due. The worker does nothing else meanwhile."""
    running.run()


@shared_task(name="delivery.overdue")
def end_overdue() -> None:
    """Beat: tell senders of mail that waits for long, and end what has waited for too long."""
    overdue.run(running.schedule())


@shared_task(name="delivery.end_set_aside")
def end_set_aside() -> None:
    """Beat: end what administrators have deleted or returned, when they can no longer take it
    back."""
    administer.end_due()


@shared_task(name="delivery.tls_reports")
def report_tls() -> None:
    """Beat: send the reports on TLS of yesterday whose hour has come."""
    asyncio.run(tlsreports.send_due())


@shared_task(name="delivery.dmarc_reports")
def report_dmarc() -> None:
    """Beat: send the reports on mail of yesterday whose hour has come."""
    asyncio.run(dmarcreports.send_due())


@shared_task(name="delivery.digests")
def send_digests() -> None:
    """Beat: tell users of mail that is held back or new in Junk, once in their day or week."""
    digests.send_due()


@shared_task(name="delivery.index_traces")
def index_traces() -> None:
    """Beat: put into the index of messages what is recorded and not there yet."""
    index.catch_up(seconds=INDEX_SECONDS, patience=index.PATIENCE)
