"""Checks blobs against their rows, one blob at a time, in the order of ids, and finds what nothing
names. Reads only; what can be mended is offered with each finding (`Finding.mend`).

Safe while the service runs: what is found wrong is looked at again before it is told.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final
from uuid import UUID

from django.db import connection

from apps.blobs import recovering, services
from apps.blobs.models import Blob
from apps.blobs.queries import Stored, Trouble, find_many, without_row
from apps.blobs.referrers import REFERRERS, unreferenced
from apps.blobs.storage import backend
from apps.runtime.clock import now

PAGE: Final = 200  # rows in memory at once; with what is inline at most 8 MB
GRACE_SECONDS: Final = 24 * 3600  # younger than this, what nothing names is not yet a finding


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Args:
        kind: `damaged` (the bytes are others, or cut off), `missing` (the object, or the row that
            something names), `unreferenced` (nothing names it; harmless, `collect` takes it),
            `stray` (an object without a row; harmless).
        blob_id: None for a stray object.
        mend: does what can be done about it, and says what it did; None if nothing can.
    """

    kind: str
    blob_id: UUID | None
    detail: str
    mend: Callable[[], str] | None = None

    @property
    def is_harmless(self) -> bool:
        return self.kind in {"unreferenced", "stray"}


def pages() -> Iterator[list[Stored]]:
    """The rows of all blobs, in the order of ids."""
    after = UUID(int=0)
    while ids := list(
        Blob.objects.filter(id__gt=after).order_by("id").values_list("id", flat=True)[:PAGE]
    ):
        yield list(find_many(ids))
        after = ids[-1]


def pages_of(ids: Iterable[UUID]) -> Iterator[list[Stored]]:
    """The rows of some blobs, as far as they are there."""
    rest = iter(ids)
    while some := list(islice(rest, PAGE)):
        yield list(find_many(some))


def told(stored: Stored) -> Finding | None:
    """What is to be told of a blob that was found in trouble (`Stored.looked_at`); None if all is
    well now, or it was collected between the two looks."""
    again = next(find_many([stored.id]), None)
    looked = again.looked_at() if again is not None else b""
    if not isinstance(looked, Trouble):
        return None
    right = recovering.reread(stored.id)
    if right is None:
        return Finding(looked.kind, stored.id, looked.detail)
    detail = f"{looked.detail}; the bytes are there, their row is wrong"
    return Finding(looked.kind, stored.id, detail, partial(_rewrite, right))


def _rewrite(right: services.PreparedBlob) -> str:
    done = services.rewrite(right)
    return f"the row tells of {right.size} bytes again, as their SHA-256 proves" if done else ""


def dangling(tables: Sequence[tuple[str, str]] = REFERRERS) -> Iterator[Finding]:
    """Rows that name a blob which has no row."""
    for table, column in tables:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT r.{column} FROM {table} AS r WHERE NOT EXISTS"
                f" (SELECT 1 FROM blobs_blob AS b WHERE b.id = r.{column})"
            )
            rows = cursor.fetchall()
        for (found,) in rows:
            try:
                yield Finding("missing", services.as_uuid(found), f"named by {table}, has no row")
            except ValueError:
                yield Finding("missing", None, f"{table} names {found!r}, which is no id")


def unnamed() -> Iterator[Finding]:
    """Blobs that nothing names, and objects that no blob names, long enough for that to be odd."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, size FROM blobs_blob WHERE created_at < %s AND {unreferenced()}",
            [now() - GRACE_SECONDS],
        )
        rows = cursor.fetchall()
    for found, size in rows:
        yield Finding("unreferenced", services.as_uuid(found), f"{size} bytes")
    yield from _strays()


def _strays() -> Iterator[Finding]:
    for folder in range(256):
        keys = [key for key, at in backend().walk(f"{folder:02x}") if at < now() - GRACE_SECONDS]
        for first in range(0, len(keys), PAGE):
            for key in without_row(keys[first : first + PAGE]):
                yield Finding("stray", None, f"object {key}")
