"""`manage.py fsck`: finds what is damaged, missing, unreferenced or miscounted, and says whom it
hurts."""

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.blobs import services as blobs
from apps.blobs.backends.files import Files
from apps.blobs.models import Blob
from apps.mailstore import queries
from apps.mailstore.fsck.checking import check
from apps.mailstore.models import Entry, Mailbox, MailboxState, Message
from apps.ops.management.commands import fsck as command
from apps.runtime.clock import now
from apps.wire.errors import Damaged, StorageUnavailable
from tests.mailstore.making import delivered, filing, prepared

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.BLOB_URL = f"file:{tmp_path}/objects"
    return tmp_path / "objects"


def large() -> bytes:
    return b"Subject: large\r\n\r\n" + os.urandom(300_000)


def run(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("fsck", *options, stdout=out)
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue()
    return 0, out.getvalue()


def told(*options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("--json", *options)[1].splitlines()]


def test_it_finds_nothing_wrong_in_good_mail(inbox: Mailbox, folder: Path) -> None:
    delivered([filing(inbox), filing(inbox, prepared(large()))])
    assert run() == (0, "0 wrong, 0 harmless\n")
    assert run("--json") == (0, "")


def test_it_names_the_messages_that_cannot_be_read(inbox: Mailbox, folder: Path) -> None:
    delivered([filing(inbox, prepared(large())) for _ in range(3)])
    files = {path.name: path for path in folder.glob("*/*")}
    first, second, third = (
        files[Blob.objects.get(pk=message.blob_id).key]
        for message in Message.objects.order_by("id")
    )
    first.write_bytes(first.read_bytes()[:1000])
    second.unlink()
    code, text = run("--json")
    found = {row["kind"]: row for row in map(json.loads, text.splitlines())}
    assert code == 1
    assert found["damaged"]["messages"] == ["alice@example.test INBOX 1"]
    assert found["missing"]["messages"] == ["alice@example.test INBOX 2"]
    assert set(found) == {"damaged", "missing"}
    code, text = run()
    assert code == 1
    assert "    alice@example.test INBOX 1\n" in text
    assert text.endswith("2 wrong, 0 harmless\n")
    # The others are served as if nothing had happened, and so are all lists.
    entries = {entry.uid: entry for entry in Entry.objects.all()}
    for uid in (1, 2):
        with pytest.raises(Damaged):
            queries.shown_bytes(entries[uid].message_id, None)
    assert third.exists()
    assert queries.shown_bytes(entries[3].message_id, None).startswith(b"Subject: large")
    assert queries.header_bytes(entries[1].message_id, None) == b"Subject: large\r\n\r\n"
    assert len(queries.fetch_page(inbox.pk, [1, 2, 3], ["envelope"])) == 3


def test_it_finds_a_row_whose_blob_is_gone(inbox: Mailbox) -> None:
    delivered([filing(inbox), filing(inbox)])
    victim = Message.objects.earliest("id").blob_id
    Blob.objects.filter(pk=victim)._raw_delete("default")
    found = list(check())
    assert [(one.kind, one.where) for one in found] == [("missing", str(victim))]
    assert found[0].messages == ("alice@example.test INBOX 1",)
    with pytest.raises(Damaged):
        queries.shown_bytes(Entry.objects.get(uid=1).message_id, None)


def test_it_calls_harmless_what_collection_will_take(folder: Path) -> None:
    blobs.insert([blobs.prepare(b"nobody's")])
    blobs.prepare(os.urandom(300_000))
    assert run() == (0, "0 wrong, 0 harmless\n")
    with time_machine.travel(now() + 30 * 3600):
        code, text = run("--json")
    kinds = [json.loads(line)["kind"] for line in text.splitlines()]
    assert (code, sorted(kinds)) == (0, ["stray", "unreferenced"])


def test_it_looks_at_one_user_alone(inbox: Mailbox, bobs_inbox: Mailbox) -> None:
    delivered([filing(inbox), filing(bobs_inbox)])
    MailboxState.objects.update(unseen=7)
    assert {line["where"] for line in told()} > {"bob@example.test INBOX"}
    assert {line["where"].split()[0] for line in told("--user", "Alice@Example.test")} == {
        "alice@example.test"
    }
    assert run("--user", "alice@example.test", "--repair")[0] == 0
    assert "alice@example.test" not in {line["where"].split()[0] for line in told()}


def test_it_says_by_its_exit_status_what_went_wrong(
    inbox: Mailbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("nobody@example.test", "nobody"):
        with pytest.raises(CommandError) as refused:
            call_command("fsck", user=address)
        assert refused.value.returncode == 2
    delivered([filing(inbox, prepared(large()))])

    def away(*_: object) -> bytes:
        raise StorageUnavailable("blob store: away")

    monkeypatch.setattr(Files, "read", away)
    with pytest.raises(CommandError, match="not finished: ") as stopped:
        call_command("fsck", stdout=StringIO())
    assert stopped.value.returncode == 3


def test_it_tells_how_far_it_has_come(inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    delivered([filing(inbox), filing(inbox)])
    monkeypatch.setattr(command, "PROGRESS_SECONDS", 0.0)
    out, err = StringIO(), StringIO()
    call_command("fsck", "--json", stdout=out, stderr=err)
    assert out.getvalue() == ""
    assert "messages: 1 of 2 (50 %)\nmessages: 2 of 2 (100 %)\n" in err.getvalue()
    quiet = StringIO()
    call_command("fsck", "--json", verbosity=0, stdout=out, stderr=quiet)
    assert quiet.getvalue() == ""
