"""APPEND when its commit came through and the answer did not."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError

from apps.directory.models import User
from apps.imap.handlers import append as handler
from apps.imap.names.naming import Place
from apps.imap.proto.append import NewMessage
from apps.imap.proto.flags import Flags
from apps.mailstore import queries
from apps.mailstore.models import Entry
from apps.mailstore.origin import Origin
from apps.mailstore.services import append as service
from apps.wire.errors import QuotaExceeded
from apps.wire.limits import MIB

pytestmark = pytest.mark.django_db

# Too large for a row, and nothing to compress: it lies in the object store.
RAW = b"Subject: large\r\n\r\n" + random.Random(1).randbytes(400_000).hex().encode() + b"\r\n"


def save(user: User) -> None:
    inbox = next(row for row in queries.mailboxes(user.pk) if row.name == "INBOX")
    handler._append(
        [NewMessage(Flags(), None, (RAW,))],
        {},
        handler.Rules(MIB, MIB, utf8=False),
        Place(inbox, "INBOX", user.pk),
        Origin("imap", user.pk),
    )


def objects() -> list[Path]:
    folder: Path = settings.MAILHOST_DATA / "blobs"
    return [path for path in folder.rglob("*") if path.is_file()]


def test_it_keeps_the_object_of_a_message_that_may_be_there(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = service.append

    def append(**arguments: Any) -> None:
        real(**arguments)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(service, "append", append)
    with pytest.raises(OperationalError):
        save(alice)
    entry = Entry.objects.get()
    assert queries.shown_bytes(entry.message_id, entry.head_id) == RAW


def test_it_leaves_no_object_of_a_message_that_was_refused(alice: User) -> None:
    before = objects()
    User.objects.filter(pk=alice.pk).update(quota=1)
    save(alice)
    assert len(objects()) == len(before) + 1
    with pytest.raises(QuotaExceeded):
        save(alice)
    assert len(objects()) == len(before) + 1
