"""One loop that sends, from its first look at the queue to its last."""

import asyncio
from contextlib import suppress

import uvloop
from django.conf import settings

from apps.delivery.outbound import stopping
from apps.delivery.outbound.carriage import Context
from apps.delivery.outbound.engine import LINGER, Engine
from apps.delivery.outbound.leases import Leases
from apps.delivery.outbound.lines import Paces, Shares
from apps.delivery.outbound.outcomes import Settlement, settle
from apps.delivery.outbound.retry import Schedule
from apps.events import bell, bus
from apps.events.types import OutgoingRang
from apps.mailqueue import queries
from apps.remote.client import Carrier, live_carrier
from apps.remote.policy import live_policies
from apps.resolver.live import live_resolver
from apps.runtime.db import translate_errors
from apps.runtime.groupcommit import GroupCommit
from apps.wire.errors import MailError

_paces: dict[tuple[int, int], Paces] = {}


def run(linger: float = LINGER) -> None:
    """Send until nothing was due for `linger` seconds, or the process is to end; blocks.

    What is learned of the destinations' pace is kept for the next run of this process.
    """
    uvloop.run(_run(linger))
    # A bell that rang after the last look and before the loop had ended was heard by nobody else.
    with suppress(MailError), translate_errors():  # without a database, the sweep finds it
        if queries.has_due_outgoing():
            bell.ring_outgoing()


async def _run(linger: float) -> None:
    resolver = live_resolver()
    policies = live_policies(resolver)
    carrier = live_carrier(resolver, policies)
    try:
        await send(carrier, linger)
    finally:
        await carrier.close()
        await policies.close()


async def send(carrier: Carrier, linger: float = LINGER) -> None:
    """The same with a carrier of the caller's."""
    with stopping.heard() as stop:
        context = Context(carrier, Leases(), schedule(), _settling(), stop)
        engine = Engine(context, _shared_paces(), Shares(settings.OUT_CONNECTIONS), linger=linger)
        subscription = await bus.subscribe(asyncio.get_running_loop(), {OutgoingRang}, engine.ring)
        try:
            await engine.run()
        finally:
            subscription.close()


def schedule() -> Schedule:
    """By the settings."""
    return Schedule(settings.RETRY_SCHEDULE, settings.WARN_AFTER, settings.BOUNCE_AFTER)


def _settling() -> GroupCommit[Settlement, None]:
    return GroupCommit(settle)


def _shared_paces() -> Paces:
    wanted = (settings.OUT_CONNECTIONS_PER_DESTINATION, settings.OUT_RATE_PER_DESTINATION)
    found = _paces.get(wanted)
    if found is None:
        _paces.clear()
        found = _paces[wanted] = Paces(*wanted)
    return found


def forget() -> None:
    """Know nothing of any destination's pace (tests)."""
    _paces.clear()
