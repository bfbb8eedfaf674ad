"""Objects in an S3 store: AWS, MinIO, Ceph, or whatever speaks it.

A PUT that was answered is durable: that is the store's promise. Every call is bounded: 5 s to
connect, 5 s without a byte, two tries. Credentials come from the AWS_* environment variables or
the machine's role, as boto3 finds them.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from apps.blobs.backends.contract import MissingObjectError
from apps.wire.errors import StorageFull, StorageUnavailable

# Seconds. Two tries must be over well before a worker's lease is (`mailqueue.services`): a worker
# that waits longer for a store that is away looks dead, and its mail like what killed it.
TIMEOUT: Final = 5
_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_FULL: Final = frozenset({"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "507"})
_REMOVE_AT_ONCE: Final = 1_000  # S3's own limit for DeleteObjects


class S3:
    """Objects of one bucket below one prefix.

    Args:
        url: `s3://bucket/prefix?endpoint=https://host&region=name`; prefix and query may be left
            out.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._bucket = parts.netloc
        path = parts.path.strip("/")
        self._prefix = f"{path}/" if path else ""
        self._endpoint = query.get("endpoint", [None])[0]
        self._region = query.get("region", [None])[0]
        self._made: Any = None
        self._lock = threading.Lock()

    def write(self, key: str, data: bytes) -> None:
        with _translated():
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def read(self, key: str, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        with _translated(key):
            answer = self._client.get_object(
                Bucket=self._bucket, Key=self._prefix + key, Range=f"bytes={start}-{end - 1}"
            )
            return bytes(answer["Body"].read())

    def remove(self, keys: Sequence[str]) -> None:
        with _translated():
            for first in range(0, len(keys), _REMOVE_AT_ONCE):
                names = [
                    {"Key": self._prefix + key} for key in keys[first : first + _REMOVE_AT_ONCE]
                ]
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": names, "Quiet": True}
                )
                if failed := answer.get("Errors"):
                    raise StorageUnavailable(f"blob store: {len(failed)} objects not removed")

    def has_any(self) -> bool:
        return True  # a bucket that is not there has said so

    def walk(self, prefix: str) -> Iterator[tuple[str, float]]:
        with _translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield entry["Key"][len(self._prefix) :], entry["LastModified"].timestamp()

    @property
    def _client(self) -> Any:
        # Made at first use: importing a service model takes boto3 tenths of a second. Clients are
        # thread-safe.
        with self._lock:
            if self._made is None:
                config = Config(
                    connect_timeout=TIMEOUT,
                    read_timeout=TIMEOUT,
                    retries={"total_max_attempts": 2, "mode": "standard"},
                    s3={"addressing_style": "path" if self._endpoint else "auto"},
                )
                session = boto3.session.Session(region_name=self._region)
                self._made = session.client("s3", endpoint_url=self._endpoint, config=config)
            return self._made


@contextmanager
def _translated(key: str = "") -> Iterator[None]:
    """Errors of the store in our own words."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise MissingObjectError(key) from None
        if code == "InvalidRange":
            raise MissingObjectError(
                key
            ) from None  # shorter than our index says: damage, not an outage
        kind = StorageFull if code in _FULL else StorageUnavailable
        raise kind(f"blob store: {code}") from error
    except (BotoCoreError, OSError) as error:
        raise StorageUnavailable(f"blob store: {type(error).__name__}") from error
