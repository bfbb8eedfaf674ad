"""Celery's doors to delivery:

the loops that the bells start, and the sweep that makes a lost bell cost seconds only.
"""

import asyncio
import time

from celery import shared_task

from apps.delivery import digests, dmarcreports, tlsreports
from apps.delivery.outbound import overdue, running
from apps.delivery.process import BATCH, run_once
from apps.events import bell, bus
from apps.events.types import QueueRang
from apps.mailqueue import queries

LOOP_SECONDS = 10.0
LINGER_SECONDS = 3.0
# After a batch that was not full the loop waits a moment, so that mail which trickles in is claimed
# together: a batch of one costs 1.7 ms, each further message in it 0.25 ms. And on SQLite every
# turn that the worker takes is a turn that the doors wait for. The first message after a silence
# waits for nothing, a trickle hardly, and a flood goes in batches that are nearly full.
TRICKLE, TRICKLE_SECONDS = 8, 0.0015  # seconds for each message of the batch before
FLOOD_SECONDS = 0.15
RETRIES_EVERY = 8  # under a flood every eighth step goes to mail that failed before


@shared_task(name="delivery.process")
def process() -> None:
    """Work until nothing came for a while, or 10 s have passed; then let the worker do something
    else.

    While it runs it listens on the event bus, so that mail which arrives meanwhile need not wait
    for the broker to be polled.
    """
    end = time.monotonic() + LOOP_SECONDS
    with bus.listen({QueueRang}) as inbox:
        quiet_since = time.monotonic()
        steps = 0
        while time.monotonic() < min(end, quiet_since + LINGER_SECONDS):
            steps += 1
            found = run_once(retries_first=steps % RETRIES_EVERY == 0)
            if found:
                quiet_since = time.monotonic()
            if 0 < found < BATCH:
                time.sleep(TRICKLE_SECONDS * found if found < TRICKLE else FLOOD_SECONDS)
            elif not found:
                inbox.wait(0.5)
    # A bell that rang after the last look and before the inbox closed was heard by nobody else.
    if run_once():
        bell.ring()


@shared_task(name="delivery.sweep")
def sweep() -> None:
    """Beat: ring for whatever is due, in case a bell was lost or a lease lapsed."""
    if queries.has_due():
        bell.ring()
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
