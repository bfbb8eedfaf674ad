"""The object store that BLOB_URL names, one for the process."""

from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings

from apps.blobs.backends.contract import Backend
from apps.blobs.backends.files import Files


def backend() -> Backend:
    """Where objects are now: settings may change between tests, so they are asked every time."""
    return _backend(settings.BLOB_URL, settings.MAILHOST_DATA)


@lru_cache(maxsize=8)
def _backend(url: str, data: Path) -> Backend:
    if url.startswith("s3:"):
        from apps.blobs.backends.s3 import S3

        return S3(url)
    return Files(Path(unquote(urlsplit(url).path)) if url else data / "blobs")
