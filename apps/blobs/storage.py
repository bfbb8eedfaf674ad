"""The object store that BLOB_URL names, one for the process, and how its keys are made."""

from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.conf import settings

from apps.blobs.backends.contract import Backend
from apps.blobs.backends.files import Files


def backend() -> Backend:
    """Where objects are now: settings may change between tests, so they are asked every time."""
    return _backend(settings.BLOB_URL, settings.MAILHOST_DATA)


def key_of(blob_id: UUID) -> str:
    """The object's key: the digits of the id backwards, so that the random ones come first. Keys
    then spread over folders and over an object store's partitions."""
    return blob_id.hex[::-1]


def id_of(key: str) -> UUID | None:
    """The blob whose object has this key; None for what is left of a write that was cut off."""
    try:
        return UUID(hex=key[::-1]) if len(key) == 32 else None
    except ValueError:
        return None


@lru_cache(maxsize=8)
def _backend(url: str, data: Path) -> Backend:
    if url.startswith("s3:"):
        from apps.blobs.backends.s3 import S3

        return S3(url)
    return Files(Path(unquote(urlsplit(url).path)) if url else data / "blobs")
