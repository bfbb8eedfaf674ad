"""Events on their way: what is due is posted, several at once, and what came of it written down.

    POST /mail                     webhook-id: evt_01J…
    {"type": "message.received",   webhook-timestamp: 1790000000
     "timestamp": "2026-…Z",       webhook-signature: v1,…
     "data": {…}}

Any answer of 200 to 299 is a success. No redirect is followed, no cookie kept, and of what is
answered the beginning alone is read.
"""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection

from apps.mime.headers import clean, printable
from apps.remote.webfetch import FetchError, Page, Web
from apps.resolver.live import live_resolver
from apps.runtime.clock import now, now_us
from apps.webhooks import signing, targets
from apps.webhooks.models import Endpoint, Event
from apps.webhooks.services import deliveries
from apps.webhooks.services.deliveries import Attempt, Parcel
from apps.wire.numbers import whole_number

SECONDS: Final = 15.0  # that a server may take to answer
TEST_SECONDS: Final = 10.0  # while a person waits
_READ: Final = 500  # octets of an answer
_MEDIA_TYPE: Final = "application/json"


def payload(event: Event) -> dict[str, Any]:
    """What is told of an event, here and in the stream."""
    at = datetime.fromtimestamp(event.at / 1_000_000, UTC)
    return {
        "id": event.name,
        "type": event.type,
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": json.loads(event.data),
    }


def client(*, is_installations: bool, seconds: float) -> Web:
    """The client of one errand, for the running loop."""
    reaches = targets.reach(is_installations=is_installations)
    return Web(live_resolver(), seconds=seconds, reaches=reaches)


def send_due(*, seconds: float) -> int:
    """Send what is due, for so long or until there is nothing; how many were tried."""
    end, tried = time.monotonic() + seconds, 0
    while time.monotonic() < end and (parcels := deliveries.claim()):
        for parcel, attempt in zip(parcels, asyncio.run(_all(parcels, SECONDS)), strict=True):
            deliveries.settle(parcel, attempt)
        tried += len(parcels)
    return tried


def test(row: Endpoint) -> Attempt:
    """Send an event that tells of nothing, now; if it is not taken, it is tried again as others."""
    parcel = deliveries.add_test(row=row)
    (attempt,) = asyncio.run(_all([parcel], TEST_SECONDS))
    deliveries.settle(parcel, attempt)
    return attempt


async def _all(parcels: Sequence[Parcel], seconds: float) -> list[Attempt]:
    webs = {
        is_ours: client(is_installations=is_ours, seconds=seconds)
        for is_ours in {one.is_installations for one in parcels}
    }
    try:
        return await asyncio.gather(*(_one(webs[one.is_installations], one) for one in parcels))
    finally:
        for web in webs.values():
            await web.close()


async def _one(web: Web, parcel: Parcel) -> Attempt:
    body = json.dumps(payload(parcel.event), separators=(",", ":")).encode()
    headers = signing.headers(parcel.keys, parcel.event.name, now(), body)
    at_us, begun = now_us(), time.monotonic()
    try:
        page = await web.hand(parcel.url, body, _MEDIA_TYPE, headers, most=_READ)
    except FetchError as error:
        return Attempt(at_us, _since(begun), error=_line(str(error)))
    return Attempt(
        at_us,
        _since(begun),
        page.status,
        _why(page),
        _line(page.body.decode("utf-8", "replace")),
        _wait(page),
    )


def _why(page: Page) -> str:
    if 200 <= page.status < 300:
        return ""
    if 300 <= page.status < 400:
        return f"It answered {page.status}: redirects are not followed"
    return f"It answered {page.status}"


def _wait(page: Page) -> int:
    """Seconds; a date, which it may be as well, is as if nothing was said."""
    return whole_number(page.retry_after) or 0


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1_000)


def _line(text: str) -> str:
    """What a stranger wrote, on one line of signs that a database and a page take."""
    return " ".join(printable(clean(text)).split())[:300]


class _Hands:
    """One thread of this process that sends: whoever waits for slow servers must not hold up the
    tasks beside it. If the process dies, leases run out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self, seconds: float) -> None:
        """Have it send for so long, unless it does already."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=_run, args=(seconds,), name="webhooks", daemon=True
                )
                self._thread.start()


def _run(seconds: float) -> None:
    try:
        send_due(seconds=seconds)
    finally:
        connection.close()


hands: Final = _Hands()
