"""Imports as their owner reads them: nobody else sees one, whatever the role."""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.console.models import Import, ImportLine, ImportState, LineState
from apps.directory import permissions
from apps.directory.models import User
from apps.directory.permissions import Powers
from apps.provisioning.bulk import columns
from apps.provisioning.bulk.columns import Layout
from apps.runtime import sealing
from apps.runtime.keyset import Column, Order, batches, walk

PAGE: Final = 50
FIRST: Final = 10  # lines that are shown as they were understood
SHOWN: Final = 10  # earlier imports
WORKED_ON: Final = (ImportState.RUNNING, ImportState.TAKING_BACK)
_ORDER: Final = Order(Column("number"))
ENDED: Final = (ImportState.DONE, ImportState.CANCELLED, ImportState.STOPPED)


def context_of(job_id: UUID, number: int) -> str:
    """What the secret of a line is sealed for."""
    return f"import/{job_id}/{number}"


def columns_of(layout: Layout) -> list[str]:
    """The fields of a file that are read, in its order."""
    return [field for field in layout.fields if field]


def mine(user: User) -> QuerySet[Import]:
    """One's imports, the newest first."""
    found = Import.objects.filter(user=user).exclude(state=ImportState.READING)
    return found.order_by("-made_at")


def find(user: User, job_id: UUID) -> Import | None:
    """One's own import; None for what is not there, and for what is another's."""
    return mine(user).filter(pk=job_id).first()


def first_lines(job: Import) -> list[ImportLine]:
    """How the beginning of the file was understood."""
    return list(job.lines.defer("secret").order_by("number")[:FIRST])


def page(job: Import, states: Sequence[LineState], after: int) -> list[ImportLine]:
    """The lines in some states that follow one; one more than PAGE if others follow."""
    found = job.lines.filter(state__in=states, number__gt=after).defer("secret")
    return list(found.order_by("number")[: PAGE + 1])


def lines(job: Import, states: Sequence[LineState]) -> Iterator[ImportLine]:
    """All lines in some states."""
    return walk(job.lines.filter(state__in=states), _ORDER)


def to_mend(job: Import) -> tuple[list[str], Iterator[list[str]]]:
    """Names of columns, and the lines that were not added, as a file that can be sent again when
    it is mended: the last column says what is wrong, and is not read."""
    head = [columns.words_of(job.kind, field) for field in job.columns]
    states = (LineState.WRONG, LineState.FAILED)
    rows = (
        [_cell(job, line, field) for field in job.columns] + [sentence(job, line)]
        for line in lines(job, states)
    )
    return [*head, "What is wrong"], rows


def results(job: Import, powers: Powers) -> tuple[list[str], Iterator[list[str]]]:
    """Names of columns, and a line for each that was added, with its temporary password: of users
    that are in sight now, for a role may have ended or moved since."""
    named = [field for field in job.columns if field != "password"]
    head = [columns.words_of(job.kind, field) for field in named]
    has_passwords = job.kind == "users"
    rows = (
        [line.cells.get(field, "") for field in named]
        + ([opened(job, line)] if has_passwords else [])
        for line in _in_sight(powers, job)
    )
    return [*head, *(["Temporary password"] if has_passwords else [])], rows


def _in_sight(powers: Powers, job: Import) -> Iterator[ImportLine]:
    """The lines that were added, some hundred at a time; of users those in sight."""
    for some in batches(job.lines.filter(state=LineState.ADDED), _ORDER):
        ids = [line.made_id for line in some if line.made_id is not None]
        seen = set(permissions.users(powers).filter(pk__in=ids).values_list("pk", flat=True))
        yield from (line for line in some if job.kind != "users" or line.made_id in seen)


def has_passwords(job: Import) -> bool:
    """Whether temporary passwords of it can still be had."""
    if job.open_until is None or job.open_until <= timezone.now():
        return False
    return job.lines.filter(state=LineState.ADDED, secret__isnull=False).exists()


def opened(job: Import, line: ImportLine) -> str:
    """The password that is kept with a line; "" if there is none (any more)."""
    if line.secret is None:
        return ""
    return sealing.open_sealed(line.secret, context=context_of(job.pk, line.number)).decode()


def sentence(job: Import, line: ImportLine) -> str:
    """What is wrong with a line, with the name of the column."""
    column = columns.words_of(job.kind, line.column)
    return f"{column}: {line.reason}." if column else f"{line.reason}." if line.reason else ""


def _cell(job: Import, line: ImportLine, field: str) -> str:
    return opened(job, line) if field == "password" else str(line.cells.get(field, ""))
