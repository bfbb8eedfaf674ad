"""Cases for scanners."""

import time
from typing import Any
from uuid import uuid4

from apps.scan.base import Case

LETTER = (
    b"From: Ann <ann@writer.test>\r\nTo: bob@example.test\r\nSubject: The boat\r\n"
    b"Date: Thu, 26 Nov 2026 06:21:03 +0000\r\nMessage-ID: <one.boat@writer.test>\r\n\r\n"
    b"Dear Bob,\r\n\r\nthe boat is in the water again. Come on Sunday if you can.\r\n\r\nAnn\r\n"
)


def case(raw: bytes = LETTER, *, age: int = 0, **given: Any) -> Case:
    """A message from a host that is nobody's.

    Args:
        age: seconds since it came.
    """
    client = {"address": "192.0.2.7", "helo": "mx.writer.test"}
    values: dict[str, Any] = {
        "sender": "ann@writer.test",
        "recipients": ("bob@example.test",),
        "readers": (),
        "door": "mx",
        "received_at_us": time.time_ns() // 1000 - age * 1_000_000,
        "client": client,
    }
    return Case(id=uuid4(), trace_id=uuid4(), raw=raw, **(values | given))
