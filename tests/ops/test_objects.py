"""Backup and restore of mail that is too large for a row."""

import random
from pathlib import Path

import pytest

from apps.blobs.models import Blob
from apps.blobs.storage import backend
from apps.delivery import process
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import Entry
from apps.ops.backup import backup
from apps.ops.restore import restore
from tests.support.mail import RAW, local, submission

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = RAW + random.Random(1).randbytes(400_000).hex().encode() + b"\r\n"


@pytest.fixture
def saved(alice: User, tmp_path: Path) -> Path:
    """A backup of an installation with one large message."""
    accept([submission(local(alice), LARGE)])
    process.run_once()
    backup(tmp_path / "saved", lambda _: None)
    return tmp_path / "saved"


def shown() -> bytes:
    entry = Entry.objects.get()
    return queries.shown_bytes(entry.message_id, entry.head_id)


def test_it_restores_what_was_lost(saved: Path) -> None:
    backend().remove([Blob.objects.get().key])
    restore(saved, lambda _: None, force=True)
    assert shown().endswith(LARGE)


def test_it_can_be_begun_again(saved: Path) -> None:
    for _ in range(2):
        restore(saved, lambda _: None, force=True)
    assert shown().endswith(LARGE)


def test_it_replaces_what_a_restore_that_was_cut_off_left(saved: Path) -> None:
    key = Blob.objects.get().key
    whole = backend().read(key, 0, 1 << 62)
    backend().remove([key])
    backend().write(key, whole[: len(whole) // 2])
    restore(saved, lambda _: None, force=True)
    assert shown().endswith(LARGE)
