"""Objects in S3, against a real server on loopback: same contract, bounded waits, errors in our
words."""

import os
import socket
import threading
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.blobs import services
from apps.blobs.backends import s3
from apps.blobs.backends.contract import MissingObjectError
from apps.blobs.backends.s3 import S3
from apps.wire.errors import Damaged, StorageUnavailable
from tests.support.services import free_port

KEY = "ab" + "0" * 30


def test_it_keeps_the_contract(s3_url: str) -> None:
    store = S3(s3_url)
    data = os.urandom(5_000)
    store.write(KEY, data)
    store.write("cd" + "0" * 30, b"other")
    assert store.read(KEY, 0, 5_000) == data
    assert store.read(KEY, 100, 200) == data[100:200]
    assert store.read(KEY, 4_990, 6_000) == data[4_990:]
    assert store.read(KEY, 5, 5) == b""
    assert [key for key, _ in store.walk("ab")] == [KEY]
    store.remove([KEY, "ef" + "0" * 30])
    assert list(store.walk("ab")) == []
    for start, end in ((0, 1), (9_000, 9_001)):
        with pytest.raises(MissingObjectError):
            store.read(KEY, start, end)
    with pytest.raises(MissingObjectError):
        store.read("cd" + "0" * 30, 9_000, 9_001)


@pytest.mark.django_db
def test_it_serves_blobs(s3_url: str, settings: Settings, tmp_path: Path) -> None:
    settings.BLOB_URL = s3_url
    raw = os.urandom(700_000)
    blob = services.prepare(raw)
    services.insert([blob])
    assert services.read(blob.id) == raw
    assert services.read_range(blob.id, 300_000, 300_010) == raw[300_000:300_010]
    services.discard(blob)
    with pytest.raises(Damaged, match="missing"):
        services.read(blob.id)
    assert not (tmp_path / "objects").exists()


@pytest.mark.django_db
def test_it_is_swept(s3_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BLOB_URL = s3_url
    monkeypatch.setattr(services, "SWEEPS", 1)
    kept, lost = (services.prepare(os.urandom(300_000)) for _ in range(2))
    services.insert([kept])
    assert services.collect(grace_hours=24) == 0
    # Its row is young, the stray object is not: the store's clock counts.
    assert services._sweep_objects(2**40, 0) == 1
    assert services.read(kept.id)
    with pytest.raises(MissingObjectError):
        S3(s3_url).read(lost.key, 0, 1)


def test_it_says_so_when_nobody_answers(monkeypatch: pytest.MonkeyPatch, s3_url: str) -> None:
    store = S3(f"s3://bucket?endpoint=http://127.0.0.1:{free_port()}&region=us-east-1")
    for call in (lambda: store.write(KEY, b"x"), lambda: store.read(KEY, 0, 1)):
        with pytest.raises(StorageUnavailable):
            call()


def test_it_says_so_when_the_bucket_is_not_there(s3_url: str) -> None:
    store = S3(s3_url.replace("s3://b", "s3://nothing"))
    with pytest.raises(StorageUnavailable):
        store.write(KEY, b"x")


def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch, s3_url: str) -> None:
    """A server that takes the connection and never says a word."""
    assert s3.TIMEOUT == 5
    monkeypatch.setattr(s3, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        held: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    held.append(mute.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept)
        thread.start()
        store = S3(f"s3://bucket?endpoint=http://127.0.0.1:{mute.getsockname()[1]}&region=x")
        try:
            with pytest.raises(StorageUnavailable):
                store.read(KEY, 0, 1)
        finally:
            mute.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for one in held:
                one.close()
    assert len(held) <= 2
