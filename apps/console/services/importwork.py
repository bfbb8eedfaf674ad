"""The worker's part of imports: some lines at a time, each once.

Passwords are hashed before a batch's transaction begins, on all processors; the transaction renews
the lease, asks for the powers of who imports anew, adds the lines and writes what became of them.
So a worker that is killed loses a batch that was not committed, and whoever takes the lease when it
ends begins there. A task works for some seconds and then lets others in.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final
from uuid import UUID, uuid4

from django.db import DatabaseError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from apps.audit.acting import Actor, acting
from apps.console import importing
from apps.console.imports import WORKED_ON
from apps.console.models import Import, ImportLine, ImportState, LineState
from apps.console.services import imports
from apps.directory.permissions import Powers, powers_of
from apps.wire.errors import MailError, Temporary

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=2)
SECONDS: Final = 5.0
"""Of a task."""
_LOOKED_AT: Final = 8


@dataclass(frozen=True, slots=True)
class _Hold:
    """A lease."""

    job: Import
    token: UUID


def work(seconds: float = SECONDS) -> bool:
    """Work on what waits; return whether more does."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        hold = _claim()
        if hold is None:
            return False
        job = hold.job
        actor = Actor("user", job.user_id, job.user.address, "web", job.address)
        with acting(actor):
            while _batch(hold):
                if monotonic() >= deadline:
                    _let_go(hold)
                    return True
    return True


def _claim() -> _Hold | None:
    """Take a lease that has ended, of who had a turn longest ago."""
    now = timezone.now()
    due = Import.objects.filter(state__in=WORKED_ON, lease_until__lte=now)
    for job_id in due.order_by("lease_until").values_list("pk", flat=True)[:_LOOKED_AT]:
        token = uuid4()
        if due.filter(pk=job_id).update(lease_until=now + LEASE, lease_token=token):
            return _Hold(Import.objects.select_related("user").get(pk=job_id), token)
    return None


def _let_go(hold: _Hold) -> None:
    """Give others a turn: whoever ended theirs first is next."""
    Import.objects.filter(pk=hold.job.pk, lease_token=hold.token).update(
        lease_until=timezone.now(), lease_token=None
    )


def _is_held(hold: _Hold) -> bool:
    """Renew the lease within a batch's transaction, which is alone with it from here on. Not if it
    was cancelled, or a lease that ended is somebody else's now."""
    mine = Import.objects.filter(pk=hold.job.pk, lease_token=hold.token, state=hold.job.state)
    return bool(mine.update(lease_until=timezone.now() + LEASE))


def _batch(hold: _Hold) -> bool:
    """Do some lines; return whether there may be more."""
    adds = hold.job.state == ImportState.RUNNING
    state = LineState.GOOD if adds else LineState.ADDED
    waiting = hold.job.lines.filter(state=state).order_by("number")
    lines = list(waiting[: importing.AT_ONCE[hold.job.kind]])
    prepared = importing.prepare(hold.job, lines) if adds else {}
    with transaction.atomic():
        if not _is_held(hold):
            return False
        if not lines:
            done = ImportState.DONE if adds else ImportState.TAKEN_BACK
            imports.finish(job=hold.job, state=done)
            return False
        powers = powers_of(hold.job.user)
        if not powers:
            imports.finish(job=hold.job, state=ImportState.STOPPED)
            return False
        if adds:
            _add(hold.job, powers, lines, prepared)
        else:
            _remove(hold.job, powers, lines)
    return True


def _add(
    job: Import,
    powers: Powers,
    lines: Sequence[ImportLine],
    prepared: dict[int, importing.Prepared],
) -> None:
    importing.lock(powers, lines, job.kind)
    for line in lines:
        ready = prepared[line.number]
        line.secret = None
        try:
            with transaction.atomic():
                line.made_id = importing.add(job, powers, line, ready)
        except MailError as error:
            if isinstance(error, Temporary):
                raise
            line.state, line.column, line.reason = LineState.FAILED, "", error.reply.text[:400]
        except OperationalError:
            raise  # the database is away, or two wait for each other: the batch comes again
        except DatabaseError:
            logger.exception("a line of an import could not be added")
            line.state, line.reason = LineState.FAILED, "It could not be added"
        else:
            line.state = LineState.ADDED
            line.secret = importing.sealed(job, line, ready)
    _write(job, lines)


def _remove(job: Import, powers: Powers, lines: Sequence[ImportLine]) -> None:
    used = importing.used(job.kind, lines)
    for line in lines:
        reason = used.get(line.made_id or 0, "")
        try:
            if not reason:
                with transaction.atomic():
                    importing.remove(job.kind, powers, line)
        except MailError as error:
            if isinstance(error, Temporary):
                raise
            reason = error.reply.text
        line.state = LineState.KEPT if reason else LineState.REMOVED
        line.column, line.reason = "", reason[:400]
    _write(job, lines)


def _write(job: Import, lines: Sequence[ImportLine]) -> None:
    ImportLine.objects.bulk_update(lines, ["state", "column", "reason", "secret", "made_id"])
    counts = {
        name: F(name) + sum(line.state == name for line in lines)
        for name in ("added", "failed", "removed", "kept")
    }
    Import.objects.filter(pk=job.pk).update(**counts)
