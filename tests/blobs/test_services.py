"""Blobs: where they go, that every byte comes back, that damage stays where it is, and when they
go."""

import os
from pathlib import Path

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.blobs import queries, services
from apps.blobs.encoding import FRAME, INLINE_MAX
from apps.blobs.models import Blob, Codec, Hold
from apps.blobs.storage import backend, id_of, key_of
from apps.mailqueue.models import QueuedMessage
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.wire.errors import Damaged

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

LARGE = 3 * FRAME + 100


def kept(raw: bytes) -> services.PreparedBlob:
    blob = services.prepare(raw)
    services.insert([blob])
    return blob


def path_of(folder: Path, blob: services.PreparedBlob) -> Path:
    return folder / blob.key[:2] / blob.key


@pytest.mark.parametrize(
    ("raw", "codec"),
    [
        (b"", Codec.RAW),
        (b"short", Codec.RAW),
        (b"text " * 1_000, Codec.ZSTD),
        (bytes(FRAME), Codec.ZSTD),
        (bytes(FRAME + 1), Codec.FRAMES),
        (os.urandom(INLINE_MAX), Codec.RAW),
        (os.urandom(INLINE_MAX + 1), Codec.FRAMES),
        (os.urandom(LARGE), Codec.FRAMES),
        (b"text " * 200_000, Codec.FRAMES),
    ],
    ids=lambda value: f"{len(value)}" if isinstance(value, bytes) else value.name,
)
def test_it_puts_bytes_where_they_belong(raw: bytes, codec: Codec, folder: Path) -> None:
    blob = kept(raw)
    row = Blob.objects.get(pk=blob.id)
    assert (row.codec, row.size, row.inline is None) == (codec, len(raw), codec == Codec.FRAMES)
    assert bool(row.key) == (codec == Codec.FRAMES) == folder.exists()
    if row.inline is not None:
        assert len(bytes(row.inline)) <= INLINE_MAX
    assert services.read(blob.id) == raw


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.integers(0, LARGE), st.integers(0, LARGE + 50))
def test_it_reads_any_range(start: int, end: int) -> None:
    raw = b"".join(number.to_bytes(4, "big") for number in range(LARGE // 4))
    blob = kept(raw)
    assert services.read_range(blob.id, start, end) == raw[start:end]


def test_it_reads_no_more_frames_than_a_range_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = os.urandom(LARGE)
    blob = kept(raw)
    asked: list[tuple[int, int]] = []
    store, real = backend(), backend().read

    def reading(key: str, start: int, end: int) -> bytes:
        asked.append((start, end))
        return real(key, start, end)

    monkeypatch.setattr(store, "read", reading)
    assert services.read_range(blob.id, 2 * FRAME + 5, 2 * FRAME + 9) == raw[2 * FRAME + 5 :][:4]
    assert asked == [(2 * FRAME, 3 * FRAME)]


def test_it_reads_many_with_one_query() -> None:
    raws = [b"", b"a" * 50_000, os.urandom(40_000), b"b"]
    blobs = [services.prepare(raw) for raw in raws]
    with CaptureQueriesContext(connection) as captured:
        services.insert(blobs)
        found = services.read_many([blob.id for blob in blobs] + [new_ulid()])
    assert len(captured) == 2
    assert found == {blob.id: raw for blob, raw in zip(blobs, raws, strict=True)}


def test_it_fails_for_the_damaged_one_alone(folder: Path) -> None:
    good, cut, gone, flipped, inline = (
        kept(os.urandom(size)) for size in (LARGE, LARGE, LARGE, LARGE, 100)
    )
    path_of(folder, cut).write_bytes(path_of(folder, cut).read_bytes()[:-1])
    path_of(folder, gone).unlink()
    octets = bytearray(path_of(folder, flipped).read_bytes())
    octets[FRAME + 7] ^= 1
    path_of(folder, flipped).write_bytes(octets)
    Blob.objects.filter(pk=inline.id).update(inline=os.urandom(100))
    for blob in (cut, gone, flipped, inline):
        with pytest.raises(Damaged):
            services.read(blob.id)
    with pytest.raises(Damaged):
        services.read(new_ulid())
    with pytest.raises(Damaged):
        services.read_range(flipped.id, FRAME + 5, FRAME + 6)
    assert len(services.read_range(flipped.id, 0, FRAME)) == FRAME
    ids = [good.id, cut.id, gone.id, flipped.id, inline.id]
    with pytest.raises(Damaged):
        services.read_range(inline.id, 5, 6)
    assert set(services.read_many(ids)) == {good.id}


def test_it_never_shares_by_content(folder: Path) -> None:
    """Nobody can learn from ids, keys or timing of storage that another has the same bytes."""
    raw = os.urandom(LARGE)
    first, second = kept(raw), kept(raw)
    assert first.key != second.key
    assert len(list(folder.glob("*/*"))) == 2


def test_it_makes_keys_from_ids_and_back() -> None:
    blob_id = new_ulid()
    assert id_of(key_of(blob_id)) == blob_id
    for key in ("", "x" * 32, "ab"):
        assert id_of(key) is None


def test_it_discards_what_will_not_be_inserted(folder: Path) -> None:
    services.discard(services.prepare(b"small"))
    services.discard(services.prepare(os.urandom(LARGE)))
    assert list(folder.glob("*/*")) == []


def test_it_collects_what_nothing_names(folder: Path) -> None:
    small, large, queued = kept(b"small"), kept(os.urandom(LARGE)), kept(b"in the queue")
    QueuedMessage.objects.create(
        blob_id=queued.id, trace_id=new_ulid(), size=1, sender="", door="mx", state="accepted",
        received_at=0,
    )  # fmt: skip
    assert services.collect() == 0
    with time_machine.travel(now() + 25 * 3600):
        assert services.collect() == 2
    assert list(Blob.objects.values_list("pk", flat=True)) == [queued.id]
    assert list(folder.glob("*/*")) == []
    for blob in (small, large):
        with pytest.raises(Damaged):
            services.read(blob.id)


def test_it_collects_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PAGE", 3)
    services.insert([services.prepare(b"%d" % number) for number in range(8)])
    with time_machine.travel(now() + 25 * 3600):
        assert services.collect() == 8
    assert not Blob.objects.exists()


def test_it_sweeps_objects_without_a_row_once_a_day(folder: Path) -> None:
    blob, lost = kept(os.urandom(LARGE)), services.prepare(os.urandom(LARGE))
    path_of(folder, lost).write_bytes(b"cut off")
    QueuedMessage.objects.create(
        blob_id=blob.id, trace_id=new_ulid(), size=1, sender="", door="mx", state="accepted",
        received_at=0,
    )  # fmt: skip
    removed = 0
    for hour in range(services.SWEEPS):
        with time_machine.travel(now() + 30 * 3600 + hour * 3600):
            removed += services.collect()
    assert removed == 1
    assert [path.name for path in folder.glob("*/*")] == [blob.key]


def test_it_collects_nothing_while_somebody_holds() -> None:
    kept(b"small")
    services.prepare(os.urandom(LARGE))
    later = time_machine.travel(now() + 30 * 3600, tick=False)
    with later as clock, services.hold("backup", hours=2):
        assert [services.collect(), services._sweep_objects(2**40, 0)] == [0, 0]
        clock.shift(3 * 3600)
        # A holder that died holds no longer.
        assert services.collect() >= 1
    assert not Hold.objects.exists()
    assert not Blob.objects.exists()


def test_it_inserts_within_the_callers_transaction() -> None:
    blob = services.prepare(b"x")
    with transaction.atomic():
        services.insert([blob])
        transaction.set_rollback(True)
    assert not Blob.objects.exists()
    assert queries.read_many([blob.id]) == {}
