"""Keeps rows that are taken out of the way, as they were: no repair loses what it replaces, for
as long as the journal tells of changes."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.mailstore.models import SetAside
from apps.mailstore.services.journal import KEEP_DAYS
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows

_INSERT = ManyRows("INSERT INTO mailstore_setaside (at, kind, place, row)", "bigint text text text")


def keep(kind: str, place: str, row: Mapping[str, Any]) -> None:
    """Keep a row, within the transaction that takes it away.

    Args:
        kind, place: as the finding has them.
        row: its columns by name.
    """
    written = json.dumps(dict(row), default=_written, separators=(",", ":"))
    _INSERT.write([(now(), kind[:20], _text(place)[:1_500], written)])


def prune(keep_days: int = KEEP_DAYS) -> int:
    """Remove what was set aside longer ago than that; returns how many rows."""
    return SetAside.objects.filter(at__lt=now() - keep_days * 86_400).delete()[0]


def _written(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"hex": bytes(value).hex()}
    return value.hex if isinstance(value, UUID) else str(value)


def _text(place: str) -> str:
    """Names of mailboxes may be damaged too."""
    return place.encode("utf-8", "backslashreplace").decode().replace("\0", "\ufffd")
