"""Requests that may be sent again: done once, however often and however many at a time they come.

What was asked for and the note of it are one transaction. A second request with the same key waits
in the database until the first one has ended, and is given its answer; if the first one failed
nothing was done, nothing is noted, and the second does it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.api.models import Replay
from apps.runtime.sealing import SealBrokenError, open_sealed, seal
from apps.wire.errors import Refused
from apps.wire.replies import Reply

KEPT: Final = timedelta(hours=24)
PRUNED: Final = 1_000  # rows of one transaction


class KeyReused(Refused):
    """The same key came with another request."""

    reply = Reply(
        550,
        "5.7.0",
        "This Idempotency-Key came with another request before: send a new key with a new request",
    )
    http_status = 422


class AnswerLost(Refused):
    """What was answered cannot be read any more: the key that it was sealed with is gone."""

    reply = Reply(
        550,
        "5.7.0",
        "This was done before, and what was answered cannot be read any more: look at what it made",
    )
    http_status = 409


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request was answered.

    Args:
        headers: JSON of those that go with it.
        body: as it was sent.
        is_again: it was done before, and not now.
    """

    status: int
    headers: str
    body: bytes
    is_again: bool = False


def once(*, caller: str, key: str, request: bytes, work: Callable[[], Answered]) -> Answered:
    """Do something, unless it was done before.

    Args:
        caller: whose keys these are.
        key: that of the client, any text.
        request: all that was asked for.
        work: does it; what it raises undoes all.

    Raises:
        KeyReused: this key came with another request.
        AnswerLost
    """
    with transaction.atomic():
        row, is_new = Replay.objects.get_or_create(
            caller=caller, key=_digest(key), defaults={"request": _fingerprint(request)}
        )
        if not is_new:
            return Answered(row.status, row.headers, _answer(row, request), is_again=True)
        done = work()
        sealed = seal(done.body, context=_context(row))
        Replay.objects.filter(pk=row.pk).update(
            status=done.status, headers=done.headers, answer=sealed
        )
        return done


@dataclass(frozen=True, slots=True)
class Asked:
    """One of many requests. `request` is all that is asked for."""

    key: str
    request: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What one of many requests was answered before."""

    row: Replay
    request: bytes

    def answer(self) -> dict[str, Any]:
        """The object that it was answered; raise KeyReused, AnswerLost."""
        found = json.loads(_answer(self.row, self.request))
        assert isinstance(found, dict)
        return found


def kept(*, caller: str, asked: Sequence[Asked]) -> dict[str, Kept]:
    """What was done before of many requests, by their keys; one statement."""
    wanted = {_digest(one.key): one for one in asked}
    rows = Replay.objects.filter(caller=caller, key__in=list(wanted), status__gt=0)
    found = ((wanted[bytes(row.key)], row) for row in rows)
    return {one.key: Kept(row, one.request) for one, row in found}


def claim(*, caller: str, asked: Sequence[Asked]) -> dict[str, Kept]:
    """Take the keys of many requests, within the transaction that does them; return what was done
    before. Whoever comes with the same keys at this moment waits here until that has ended: two
    statements."""
    rows = [
        Replay(caller=caller, key=_digest(one.key), request=_fingerprint(one.request))
        for one in asked
    ]
    # In one order, so that two who come with the same keys do not wait for each other.
    Replay.objects.bulk_create(sorted(rows, key=lambda row: bytes(row.key)), ignore_conflicts=True)
    return kept(caller=caller, asked=asked)


def keep(*, caller: str, claimed: Sequence[str], done: Mapping[str, bytes], status: int) -> None:
    """Note what was answered to those of claimed requests that were done, and forget the others."""
    wanted = {_digest(key): key for key in claimed}
    failed = [digest for digest, key in wanted.items() if key not in done]
    rows = Replay.objects.filter(caller=caller)
    rows.filter(key__in=failed, status=0).delete()
    mine = list(rows.filter(key__in=[_digest(key) for key in done]))
    for row in mine:
        row.status = status
        row.answer = seal(done[wanted[bytes(row.key)]], context=_context(row))
    Replay.objects.bulk_update(mine, ["status", "answer"])


def is_there(*, caller: str, key: str) -> bool:
    """Whether something was done with this key."""
    return Replay.objects.filter(caller=caller, key=_digest(key)).exists()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _fingerprint(request: bytes) -> bytes:
    """Of what was asked for: it may hold a password, so nobody who reads the table may try some."""
    return salted_hmac("apps.api.replays", request, algorithm="sha256").digest()


def _answer(row: Replay, request: bytes) -> bytes:
    if not constant_time_compare(bytes(row.request), _fingerprint(request)):
        raise KeyReused(row.caller)
    try:
        return open_sealed(row.answer, context=_context(row))
    except SealBrokenError as error:
        raise AnswerLost(str(error)) from None


def _context(row: Replay) -> str:
    return f"replay/{row.caller}/{bytes(row.key).hex()}"


def prune() -> int:
    """Forget what is older than a day; how many."""
    gone = 0
    while True:
        old = Replay.objects.filter(created_at__lt=timezone.now() - KEPT).order_by("created_at")
        with transaction.atomic():
            removed, _ = Replay.objects.filter(
                pk__in=list(old.values_list("pk", flat=True)[:PRUNED])
            ).delete()
        gone += removed
        if removed < PRUNED:
            return gone
