"""A damaged row of a blob is set right by what its SHA-256 proves, and by nothing less."""

import os
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pytest_django import Settings

from apps.blobs import recovering, services
from apps.blobs.encoding import FRAME
from apps.blobs.models import Blob
from apps.blobs.services import PreparedBlob
from apps.blobs.storage import key_of
from apps.runtime.ulid import new_ulid

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.BLOB_URL = f"file:{tmp_path}/objects"
    return tmp_path / "objects"


def kept(raw: bytes) -> PreparedBlob:
    blob = services.prepare(raw)
    services.insert([blob])
    return blob


def damaged(blob: PreparedBlob, **columns: Any) -> PreparedBlob | None:
    Blob.objects.filter(pk=blob.id).update(**columns)
    return recovering.reread(blob.id)


WORDS = b"Words that can be made shorter. " * 40
SMALL = [b"", b"a", WORDS, os.urandom(5_000)]
LARGE = [
    os.urandom(FRAME),
    os.urandom(FRAME + 1),
    WORDS * 800,
    WORDS * 200 + os.urandom(2 * FRAME),
    os.urandom(FRAME) + WORDS * 400,
    # What looks like a frame of zstd, and is kept as it is.
    zstandard.ZstdCompressor().compress(os.urandom(100)) + os.urandom(FRAME),
    os.urandom(FRAME) + zstandard.ZstdCompressor().compress(os.urandom(1_000)),
]


@pytest.mark.parametrize("raw", SMALL, ids=len)
def test_it_rereads_what_lies_in_the_row(raw: bytes) -> None:
    blob = kept(raw)
    assert blob.inline is not None
    for columns in ({}, {"size": 3}, {"codec": 1 - blob.codec}, {"codec": 9, "key": "x"}):
        found = damaged(blob, **columns)
        assert found is not None
        assert (found.size, found.sha256) == (len(raw), blob.sha256)
        assert services.rewrite(found)
        assert services.read(blob.id) == raw
    assert damaged(blob, inline=b"other") is None


@pytest.mark.parametrize("raw", LARGE, ids=len)
def test_it_rereads_objects(raw: bytes) -> None:
    blob = kept(raw)
    for columns in (
        {"size": 3},
        {"frames": b""},
        {"frames": os.urandom(24)},
        {"codec": 0},
        {"key": key_of(new_ulid())},
    ):
        found = damaged(blob, **columns)
        assert found is not None
        assert (found.size, found.codec, found.key, found.frames) == (
            *(blob.size, blob.codec, blob.key, blob.frames),
        )
        assert services.rewrite(found)
        assert services.read(blob.id) == raw
    assert (blob, raw) in list(recovering.from_object(blob.id))


def test_it_finds_nothing_in_other_bytes(folder: Path) -> None:
    blob = kept(os.urandom(FRAME + 5))
    (path,) = folder.glob("*/*")
    path.write_bytes(path.read_bytes()[:-1])
    assert recovering.reread(blob.id) is None
    path.unlink()
    assert recovering.reread(blob.id) is None
    assert list(recovering.from_object(blob.id)) == []
    assert recovering.reread(new_ulid()) is None


def test_it_unpacks_no_bomb() -> None:
    """A frame that says it holds more than any of ours is no frame of ours."""
    bomb = zstandard.ZstdCompressor().compress(bytes(FRAME * 40))
    assert len(bomb) < 2_000
    blob = kept(b"small")
    assert damaged(blob, inline=bomb, codec=1, size=FRAME * 40) is None
