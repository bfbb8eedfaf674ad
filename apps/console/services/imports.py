"""Imports: a file is taken and looked at, begun, cancelled, taken back, and forgotten in time.

The work itself is `importwork`'s.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.audit.services import record
from apps.console.imports import ENDED, WORKED_ON, columns_of, context_of
from apps.console.models import Import, ImportKind, ImportLine, ImportState, LineState
from apps.directory import subjects
from apps.directory.models import User
from apps.directory.permissions import Powers
from apps.events import bell
from apps.provisioning.bulk import sheets
from apps.provisioning.bulk.aliases import AliasCheck
from apps.provisioning.bulk.domains import DomainCheck
from apps.provisioning.bulk.sheets import Line
from apps.provisioning.bulk.users import UserCheck
from apps.provisioning.bulk.verdicts import Check, Verdict, verdicts
from apps.runtime import sealing
from apps.wire.errors import Gone, InUse, InvalidName

OPEN: Final = timedelta(hours=24)
"""How long what was made up can be had, and an import be taken back; also how long one waits to be
begun."""
KEPT: Final = timedelta(days=30)  # what became of it
MOST_WAITING: Final = 5  # of one person, beyond which the oldest is forgotten
_AT_ONCE: Final = 500  # rows of a transaction
_WAITING: Final = (ImportState.READING, ImportState.READY)


def take(
    *,
    user: User,
    powers: Powers,
    kind: ImportKind,
    octets: bytes,
    file_name: str,
    must_change: bool,
) -> Import:
    """Read a file and say of each line what would become of it. Nothing is added.

    Args:
        octets: of the file, or of what was pasted.
        must_change: passwords of the file hold until the first sign-in on the web.

    Raises:
        InvalidName: it cannot be read.
        Gone: while it was read so many others were sent that it is forgotten already.
    """
    sheet = sheets.read(octets, kind)
    job = Import.objects.create(
        user=user,
        kind=kind,
        file_name=_shown_name(file_name),
        notes=sheet.notes,
        columns=columns_of(sheet.layout),
        must_change=must_change,
        made_at=timezone.now(),
    )
    # With its own row there: of several who do this at once the last one sees all of them.
    _forget_oldest(user)
    counts = _write(job, verdicts(_check(kind, powers), sheet.lines))
    read = _reading(job).update(
        state=ImportState.READY,
        good=counts[LineState.GOOD],
        wrong=counts[LineState.WRONG],
        there=counts[LineState.THERE],
    )
    if not read:
        raise _overtaken()
    return Import.objects.get(pk=job.pk)


def _reading(job: Import) -> QuerySet[Import]:
    """Its row, as long as nobody has forgotten it."""
    return Import.objects.filter(pk=job.pk, state=ImportState.READING)


def _overtaken() -> Gone:
    text = f"Only the last {MOST_WAITING} files are kept, and this one was overtaken: send it again"
    return Gone("import", text=text)


def _check(kind: ImportKind, powers: Powers) -> Check:
    if kind is ImportKind.USERS:
        return UserCheck(powers)
    return AliasCheck(powers) if kind is ImportKind.ALIASES else DomainCheck(powers)


def _shown_name(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())[:200]


def _write(job: Import, looked_at: Iterable[tuple[Line, Verdict]]) -> Counter[str]:
    """Some hundred rows are a transaction: mail need not wait for a long file."""
    counts: Counter[str] = Counter()
    rest = iter(looked_at)
    while some := [_row(job, line, verdict) for line, verdict in islice(rest, _AT_ONCE)]:
        with transaction.atomic():
            # Whoever forgets it waits for this lock, and no line comes after that.
            if _reading(job).select_for_update().first() is None:
                raise _overtaken()
            ImportLine.objects.bulk_create(some)
        counts.update(row.state for row in some)
    return counts


def _row(job: Import, line: Line, verdict: Verdict) -> ImportLine:
    secret = None
    if line.password:
        # Of half of a pair nothing is kept: no password can look like that.
        octets = line.password.encode("utf-8", "replace")
        secret = sealing.seal(octets, context=context_of(job.pk, line.number))
    return ImportLine(
        job=job,
        number=line.number,
        state=verdict.state,
        cells=dict(line.cells),
        column=verdict.field,
        reason=verdict.reason[:400],
        secret=secret,
    )


def _forget_oldest(user: User) -> None:
    waiting = Import.objects.filter(user=user, state__in=_WAITING).order_by("-made_at", "pk")
    for job_id in waiting.values_list("pk", flat=True)[MOST_WAITING:]:
        _forget(job_id)


def _forget(job_id: UUID) -> bool:
    """Forget one that was not begun; False if it was, or if somebody else forgets it.

    It is ended first, so that nobody writes its lines any more, and nobody begins it without them.
    """
    waiting = Import.objects.filter(pk=job_id, state__in=_WAITING)
    if not waiting.update(**_ending(ImportState.CANCELLED)):
        return False
    _delete(job_id)
    return True


def start(*, user: User, job_id: UUID, address: str) -> bool:
    """Have a worker add the good lines; return whether this was what began it: of two who ask at
    once one is.

    Args:
        address: of the browser, for the audit log.
    """
    now = timezone.now()
    with transaction.atomic():
        begun = Import.objects.filter(
            pk=job_id, user=user, state=ImportState.READY, good__gt=0
        ).update(state=ImportState.RUNNING, started_at=now, lease_until=now, address=address)
        if not begun:
            return False
        job = Import.objects.get(pk=job_id)
        record(
            "import.start",
            **subjects.of_user(user, job.file_name or job.kind),
            detail={"kind": job.kind, "lines": job.good},
        )
        transaction.on_commit(bell.ring_imports)
    return True


def cancel(*, user: User, job_id: UUID) -> None:
    """End one that runs, with what is added; forget one that was not begun.

    Raises:
        InUse: it is over.
    """
    is_own = Import.objects.filter(pk=job_id, user=user).exists()
    if is_own and _forget(job_id):
        return
    with transaction.atomic():
        ended = Import.objects.filter(pk=job_id, user=user, state=ImportState.RUNNING).update(
            **_ending(ImportState.CANCELLED)
        )
        if not ended:
            raise InUse("import", text="This import is over already")
        _wipe_unused(job_id)
        job = Import.objects.get(pk=job_id)
        about = subjects.of_user(user, job.file_name or job.kind)
        record("import.cancel", **about, detail={"kind": job.kind, "added": job.added})


def finish(*, job: Import, state: ImportState) -> None:
    """Note that a worker is done with it, in the transaction in which it holds the lease."""
    Import.objects.filter(pk=job.pk).update(**_ending(state))
    _wipe_unused(job.pk)


def _ending(state: ImportState) -> dict[str, object]:
    now = timezone.now()
    return {
        "state": state,
        "finished_at": now,
        "open_until": now + OPEN,
        "lease_until": None,
        "lease_token": None,
    }


def _wipe_unused(job_id: UUID) -> None:
    """The passwords of the file go; what was made up for lines that were added stays for a day."""
    lines = ImportLine.objects.filter(job=job_id, secret__isnull=False)
    lines.exclude(state=LineState.ADDED).update(secret=None)


def take_back(*, user: User, job_id: UUID, typed: str) -> None:
    """Have a worker remove what was added and nobody has used.

    Args:
        typed: how many were added, as a sign that it is meant.

    Raises:
        InvalidName: something else was typed.
        Gone: it is too late, or it runs.
    """
    job = Import.objects.filter(pk=job_id, user=user).first()
    if job is None or job.state not in ENDED or not job.added:
        raise Gone("import", text="There is nothing to take back")
    if typed.strip() != str(job.added):
        raise InvalidName("typed", text=f"Type {job.added} to take them back")
    now = timezone.now()
    with transaction.atomic():
        begun = Import.objects.filter(
            pk=job_id, user=user, state__in=ENDED, open_until__gt=now
        ).update(state=ImportState.TAKING_BACK, lease_until=now, open_until=None)
        if not begun:
            raise Gone("import", text="It is too late to take this import back")
        ImportLine.objects.filter(job=job_id, secret__isnull=False).update(secret=None)
        about = subjects.of_user(user, job.file_name or job.kind)
        record("import.undo", **about, detail={"kind": job.kind, "added": job.added})
        transaction.on_commit(bell.ring_imports)


def note_passwords(*, user: User, job: Import) -> None:
    """Record that the temporary passwords were taken.

    Raises:
        Gone: they are wiped, or there were none.
    """
    if job.open_until is None or job.open_until <= timezone.now():
        raise Gone("passwords", text="These passwords are gone")
    about = subjects.of_user(user, job.file_name or job.kind)
    record("import.passwords", **about, detail={"kind": job.kind, "added": job.added})


def prune() -> int:
    """Wipe secrets whose day is over, forget imports that nobody began and those of long ago;
    return how many of these there were."""
    now = timezone.now()
    over = Import.objects.filter(open_until__lte=now, lines__secret__isnull=False).distinct()
    for job_id in list(over.values_list("pk", flat=True)):
        ImportLine.objects.filter(job=job_id, secret__isnull=False).update(secret=None)
    # A role may have ended, or a worker never have come: nothing waits for ever.
    Import.objects.filter(state__in=WORKED_ON, made_at__lt=now - KEPT).update(
        **_ending(ImportState.STOPPED)
    )
    waiting = Import.objects.filter(state__in=_WAITING, made_at__lt=now - OPEN)
    old = Import.objects.filter(finished_at__lt=now - KEPT)
    gone = list(old.values_list("pk", flat=True))
    for job_id in gone:
        _delete(job_id)
    return len(gone) + sum(map(_forget, list(waiting.values_list("pk", flat=True))))


def _delete(job_id: UUID) -> None:
    """In chunks: a transaction of ten thousand rows would keep mail waiting."""
    lines = ImportLine.objects.filter(job=job_id)
    while ids := list(lines.values_list("pk", flat=True)[:_AT_ONCE]):
        ImportLine.objects.filter(pk__in=ids).delete()
    Import.objects.filter(pk=job_id).exclude(state__in=WORKED_ON).delete()
