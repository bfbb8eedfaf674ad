"""A backup made under load, put back in another place, and every way it may be unfit."""

import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from psycopg import sql
from pytest_django import Settings

from apps.blobs.backends.files import Files
from apps.blobs.storage import backend
from apps.directory.models import User
from apps.mailstore.models import Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.prepare import prepare
from apps.ops import archive
from apps.ops.archive import ArchiveError, IncompleteError
from apps.ops.backup import backup
from apps.ops.restore import restore
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.search.indexing import Indexer
from apps.wire.errors import StorageUnavailable
from tests.support.installation import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = Origin(door="test", user_id=None)
# More than a row takes: random, so that no compression makes it small.
LARGE = 300_000


def _quiet(_text: str) -> None:
    return


def _letter(number: int, size: int = 0) -> bytes:
    body = os.urandom(size // 2).hex() if size else "short"
    lines = [body[start : start + 76] for start in range(0, len(body), 76)]
    return f"Subject: Letter {number}\r\n\r\n".encode() + "\r\n".join(lines).encode() + b"\r\n"


def _put(user: User, *raws: bytes) -> None:
    inbox = Mailbox.objects.get(user=user, special_use="inbox")
    messages = [Appending(prepare(raw, trace_id=new_ulid()), internaldate=now()) for raw in raws]
    append(mailbox_id=inbox.pk, user_id=user.pk, messages=messages, origin=ORIGIN)


@dataclass
class Elsewhere:
    """Another installation on this machine, with nothing in it."""

    environment: dict[str, str]

    def manage(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def messages(self, address: str) -> list[tuple[int, int, bytes]]:
        """(UID, UIDVALIDITY, bytes) of each message in INBOX, read as an IMAP door reads it."""
        done = self.manage("shell", "--no-imports", "-c", READ % address)
        assert done.returncode == 0, done.stderr
        rows = json.loads(done.stdout.splitlines()[-1])
        return [(uid, validity, bytes.fromhex(raw)) for uid, validity, raw in rows]


READ = """
import json
from apps.blobs import services as blobs
from apps.mailstore.models import Entry
rows = Entry.objects.filter(mailbox__user__address="%s", mailbox__special_use="inbox")
found = [
    (entry.uid, entry.mailbox.uidvalidity, blobs.read(entry.message.blob_id).hex())
    for entry in rows.select_related("mailbox", "message").order_by("uid")
]
print(json.dumps(found))
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    environment = {**os.environ, "MAILHOST_DATA": str(tmp_path / "elsewhere")}
    environment.pop("BLOB_URL", None)
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith("postgres"):
        name = f"restored_{uuid4().hex[:12]}"
        with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        environment["DATABASE_URL"] = url.rpartition("/")[0] + f"/{name}"
    return Elsewhere(environment)


def test_it_brings_everything_back_although_mail_came_meanwhile(
    alice: User, bob: User, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    kept = [_letter(1), _letter(2, LARGE), _letter(3, LARGE)]
    _put(alice, *kept)
    Indexer().run(60)
    stop, putting = threading.Event(), threading.Event()

    def load() -> None:
        try:
            number = 100
            while not stop.is_set():
                number += 1
                _put(bob, _letter(number), _letter(number, LARGE))
                putting.set()
        finally:
            connection.close()

    loader = threading.Thread(target=load)
    loader.start()
    try:
        assert putting.wait(30)
        manifest = backup(tmp_path / "backup", _quiet)
    finally:
        stop.set()
        loader.join()
    assert manifest.objects >= 2
    assert manifest.database == connection.vendor
    loose = [file for file in (tmp_path / "backup").rglob("*") if file.stat().st_mode & 0o077]
    assert loose == []

    done = elsewhere.manage("restore", "backup", str(tmp_path / "backup"))
    assert done.returncode == 0, done.stderr
    before = Mailbox.objects.get(user=alice, special_use="inbox").uidvalidity
    messages = elsewhere.messages("alice@example.test")
    assert [(uid, raw) for uid, _, raw in messages] == list(enumerate(kept, 1))
    assert all(validity > before for _, validity, _ in messages)
    # Of what came meanwhile there is a beginning, whole to the last byte, in pairs.
    for_bob = elsewhere.messages("bob@example.test")
    assert len(for_bob) % 2 == 0
    assert all(raw.startswith(b"Subject: Letter 1") for _, _, raw in for_bob)
    data = Path(elsewhere.environment["MAILHOST_DATA"])
    assert [f for f in (data, *data.rglob("*")) if f.stat().st_mode & 0o077] == []

    # The search index is in no backup: it is made of the mail that came.
    assert "being made anew" in elsewhere.manage("reindex", "--status").stdout
    indexed = elsewhere.manage("reindex", "--catch-up")
    assert f": {len(kept) + len(for_bob)} messages, " in indexed.stdout, indexed.stderr
    assert " 0 messages behind" in indexed.stdout

    # What is kept encrypted opens there too.
    sealed = elsewhere.manage("reseal", "--json")
    assert sealed.returncode == 0, sealed.stderr
    assert json.loads(sealed.stdout) == {"changed": 0, "broken": []}

    again = elsewhere.manage("restore", "backup", str(tmp_path / "backup"))
    assert again.returncode == 1
    assert "--force" in again.stderr
    assert "Traceback" not in again.stderr
    # Nor is an index believed that may have seen other rows, though only a few.
    second = tmp_path / "second"
    assert elsewhere.manage("backup", str(second)).returncode == 0
    forced = elsewhere.manage("restore", "backup", str(second), "--force")
    assert forced.returncode == 0, forced.stderr
    assert "being made anew" in elsewhere.manage("reindex", "--status").stdout
    assert len(elsewhere.messages("alice@example.test")) == len(kept)


@pytest.fixture
def saved(alice: User, tmp_path: Path) -> Path:
    """A backup with one object."""
    _put(alice, _letter(1, LARGE))
    backup(tmp_path / "backup", _quiet)
    return tmp_path / "backup"


def _object(saved: Path) -> Path:
    return next(file for file in (saved / "objects").rglob("*") if file.is_file())


def _flip(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


@pytest.mark.parametrize("what", ["rows", "object", "list", "missing object", "no manifest"])
def test_it_refuses_a_damaged_backup_and_changes_nothing(
    saved: Path, alice: User, what: str
) -> None:
    if what == "rows":
        _flip(saved / archive.ROWS[connection.vendor])
    elif what == "object":
        _flip(_object(saved))
    elif what == "list":
        _flip(saved / archive.OBJECTS)
    elif what == "missing object":
        _object(saved).unlink()
    else:
        (saved / archive.MANIFEST).unlink()
    validity = Mailbox.objects.get(user=alice, special_use="inbox").uidvalidity
    with pytest.raises(ArchiveError) as caught:
        restore(saved, _quiet, force=True)
    assert str(saved) in str(caught.value)
    assert Mailbox.objects.get(user=alice, special_use="inbox").uidvalidity == validity


def _change(saved: Path, **fields: object) -> None:
    file = saved / archive.MANIFEST
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"format": 2}, "newer version"),
        ({"migrations": ["ops.0999_future"]}, "update mailhost first"),
        ({"migrations": ["mailstore.0001_initial"]}, "too old for this one"),
        ({"database": "oracle"}, "newer version"),
        ({"surprise": 1}, "cannot be read"),
        ({"keys": {"keys/../../escaped": "0" * 64}}, "cannot be read"),
    ],
)
def test_it_refuses_what_does_not_fit(
    saved: Path, fields: dict[str, object], sentence: str
) -> None:
    _change(saved, **fields)
    with pytest.raises(ArchiveError, match=sentence):
        restore(saved, _quiet, force=True)


def test_it_refuses_a_backup_of_the_other_database(saved: Path) -> None:
    other = "postgresql" if connection.vendor == "sqlite" else "sqlite"
    _change(saved, database=other)
    with pytest.raises(ArchiveError, match=f"of a {other} database"):
        restore(saved, _quiet, force=True)


def test_it_writes_no_key_outside_of_the_data_folder(
    saved: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.MAILHOST_DATA = tmp_path / "data"
    outside = saved / "escaped"
    outside.write_text("x")
    _change(saved, keys={"keys/../escaped": archive.sha256_of(outside)})
    with pytest.raises(ArchiveError, match="outside"):
        restore(saved, _quiet, force=True)
    assert not (tmp_path / "escaped").exists()


def test_it_does_not_write_into_a_folder_that_is_in_use(alice: User, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep me")
    with pytest.raises(ArchiveError, match="not an empty folder"):
        backup(tmp_path, _quiet)
    assert (tmp_path / "mine").read_text() == "keep me"


def test_it_backs_up_the_rest_when_an_object_is_missing(alice: User, tmp_path: Path) -> None:
    _put(alice, _letter(1, LARGE))
    for folder in range(256):
        backend().remove([key for key, _ in backend().walk(f"{folder:02x}")])
    with pytest.raises(IncompleteError, match="1 objects that are missing"):
        backup(tmp_path / "backup", _quiet)
    assert (tmp_path / "backup/manifest.json").exists()


def test_it_leaves_nothing_of_a_backup_that_failed(
    alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(alice, _letter(1, LARGE))

    def fail(*_: object) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr(Files, "read", fail)
    with pytest.raises(StorageUnavailable):
        backup(tmp_path / "backup", _quiet)
    assert not (tmp_path / "backup").exists()


def test_it_says_in_one_sentence_what_is_wrong(elsewhere: Elsewhere, tmp_path: Path) -> None:
    done = elsewhere.manage("restore", "backup", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "holds no finished backup" in done.stderr


def test_it_needs_the_programs_of_postgres(
    alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    if connection.vendor == "sqlite":
        backup(tmp_path / "backup", _quiet)  # SQLite needs none
        return
    with pytest.raises(ArchiveError, match="Debian package: postgresql-client"):
        backup(tmp_path / "backup", _quiet)
