"""Checks every blob against its row. Reads only; one blob at a time, in the order of ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from apps.blobs.models import Blob
from apps.blobs.queries import find_many, without_row
from apps.blobs.referrers import REFERRERS, unreferenced
from apps.blobs.storage import backend
from apps.runtime.clock import now

PAGE: Final = 500
GRACE_SECONDS: Final = 24 * 3600  # younger than this, what nothing names is not yet a finding


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Args:
        kind: `damaged` (the bytes are others, or cut off), `missing` (the object, or the row that
            something names), `unreferenced` (nothing names it; harmless, `collect` takes it),
            `stray` (an object without a row; harmless).
        blob_id: None for a stray object.
    """

    kind: str
    blob_id: UUID | None
    detail: str

    @property
    def is_harmless(self) -> bool:
        return self.kind in {"unreferenced", "stray"}


def check() -> Iterator[Finding]:
    """All findings. Raises StorageUnavailable if the object store does not answer."""
    yield from _contents()
    yield from _dangling()
    yield from _unreferenced()
    yield from _strays()


def _contents() -> Iterator[Finding]:
    after = UUID(int=0)
    while page := list(
        Blob.objects.filter(id__gt=after).order_by("id").values_list("id", flat=True)[:PAGE]
    ):
        after = page[-1]
        for stored in find_many(page):
            trouble = stored.trouble()
            # A blob that was collected between the two looks is no finding.
            if trouble and Blob.objects.filter(pk=stored.id).exists():
                yield Finding(trouble[0], stored.id, trouble[1])


def _dangling() -> Iterator[Finding]:
    """Rows that name a blob which has no row."""
    for table, column in REFERRERS:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT r.{column} FROM {table} AS r WHERE NOT EXISTS"
                f" (SELECT 1 FROM blobs_blob AS b WHERE b.id = r.{column})"
            )
            for (found,) in cursor.fetchall():
                blob_id = found if isinstance(found, UUID) else UUID(found)
                yield Finding("missing", blob_id, f"named by {table}")


def _unreferenced() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, size FROM blobs_blob WHERE created_at < %s AND {unreferenced()}",
            [now() - GRACE_SECONDS],
        )
        for found, size in cursor.fetchall():
            blob_id = found if isinstance(found, UUID) else UUID(found)
            yield Finding("unreferenced", blob_id, f"{size} bytes")


def _strays() -> Iterator[Finding]:
    for folder in range(256):
        keys = [key for key, at in backend().walk(f"{folder:02x}") if at < now() - GRACE_SECONDS]
        for first in range(0, len(keys), PAGE):
            for key in without_row(keys[first : first + PAGE]):
                yield Finding("stray", None, f"object {key}")
