"""Damages what is stored in many ways, one at a time: `manage.py fsck` finds each and nothing else,
changes nothing unless asked to, mends what can be mended, and loses no mail that could be read."""

import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import DataError, connection, transaction
from pytest_django import Settings

from apps.blobs.models import Blob
from apps.mailstore import queries
from apps.mailstore.fsck import database
from apps.mailstore.models import (
    Entry,
    Expunged,
    Mailbox,
    MailboxRight,
    Message,
    SetAside,
    Unindexed,
)
from apps.mailstore.services import copy, expunge
from apps.mailstore.tasks import forget
from apps.runtime.clock import now
from apps.wire.errors import Damaged, NotFound
from tests.mailstore.making import (
    ORIGIN,
    assert_counters_are_exact,
    box,
    delivered,
    filing,
    prepared,
)

pytestmark = pytest.mark.django_db

HEAD = b"Return-Path: <bob@example.test>\r\nDelivered-To: alice@example.test\r\n"
PREFIX = b"Received: from there by mail.example.test;\r\n\tWed, 25 Nov 2026 18:00:00 +0100\r\n"
HIDDEN = (
    b"From: Bob <bob@example.test>\r\nBcc: eve@other.test\r\nBcc: eva@other.test\r\n"
    b"Subject: hidden\r\nMessage-ID: <hidden@example.test>\r\n\r\nWho else got this?\r\n"
)
CUT = (HIDDEN.index(b"Bcc"), HIDDEN.index(b"Subject"))


def numbered(number: int) -> bytes:
    return (
        b"From: Bob <bob@example.test>\r\nTo: alice@example.test\r\nSubject: n%d\r\n"
        b"Message-ID: <n%d@example.test>\r\n\r\nSome words, again some words, and words.\r\n"
    ) % (number, number)


@dataclass
class World:
    """Alice's mail: INBOX 1 to 6, of which 4 was expunged and 5 moved; Archive has copies."""

    inbox: Mailbox
    archive: Mailbox
    folder: Path

    def message(self, uid: int) -> Message:
        return Entry.objects.select_related("message").get(mailbox=self.inbox, uid=uid).message

    def blob(self, uid: int) -> Blob:
        return Blob.objects.get(pk=self.message(uid).blob_id)

    def object_file(self) -> Path:
        (found,) = self.folder.glob("*/*")
        return found


LARGE = 6  # the UID of the one that is an object


@pytest.fixture
def world(alice: Any, bob: Any, tmp_path: Path, settings: Settings) -> World:
    settings.BLOB_URL = f"file:{tmp_path}/objects"
    inbox, archive = box(alice), box(alice, "Archive")
    hidden = prepared(HIDDEN, prefix=PREFIX, cuts=[CUT])
    some = [prepared(numbered(n), prefix=PREFIX) for n in range(4)]
    large = prepared(b"Subject: large\r\n\r\n" + os.urandom(400_000))
    for one in (hidden, *some, large):
        delivered([filing(inbox, one, head=HEAD, keywords=("Work",))])
    delivered([filing(box(bob), some[0])])
    copy.copy(mailbox_id=inbox.pk, uids=[1, 2], target_id=archive.pk, origin=ORIGIN)
    expunge.expunge(mailbox_id=inbox.pk, uids=[4], marked=False, origin=ORIGIN)
    copy.move(mailbox_id=inbox.pk, uids=[5], target_id=archive.pk, origin=ORIGIN)
    return World(inbox, archive, tmp_path / "objects")


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        assert cursor.rowcount != 0, statement


def run(*options: str) -> tuple[int, list[dict[str, Any]]]:
    out = StringIO()
    code = 0
    try:
        call_command("fsck", "--json", *options, verbosity=0, stdout=out)
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def readable() -> set[tuple[str, bytes]]:
    """(owner, bytes) of all mail that a user can read."""
    found = set()
    for entry in Entry.objects.select_related("mailbox__user").filter(mailbox__deleted_at=None):
        try:
            shown = queries.shown_bytes(entry.message_id, entry.head_id)
        except (Damaged, NotFound):
            continue
        found.add((entry.mailbox.user.address, shown))
    return found


@dataclass
class Damage:
    """One way to damage the world.

    Args:
        kinds: of the findings, in order, each once.
        stays: what is wrong after the repair still; for most nothing.
        loses: the mail that could be read before it is damaged is not the same afterwards.
    """

    name: str
    do: Callable[[World], None]
    kinds: str
    stays: str = ""
    loses: bool = False


def _entry(given: str, uid: int = 2) -> Callable[[World], None]:
    return lambda world: sql(
        f"UPDATE mailstore_entry SET {given} WHERE mailbox_id = %s AND uid = %s",
        world.inbox.pk,
        uid,
    )


def _expunged(given: str, uid: int = 4) -> Callable[[World], None]:
    return lambda world: sql(
        f"UPDATE mailstore_expunged SET {given} WHERE mailbox_id = %s AND uid = %s",
        world.inbox.pk,
        uid,
    )


def _message(given: str, uid: int = 2, *values: Any) -> Callable[[World], None]:
    return lambda world: sql(
        f"UPDATE mailstore_message SET {given} WHERE id = %s", *values, world.message(uid).pk
    )


def _blob(given: str, uid: int, *values: Any) -> Callable[[World], None]:
    return lambda world: sql(
        f"UPDATE blobs_blob SET {given} WHERE id = %s", *values, world.blob(uid).pk.hex
    )


def _state(given: str) -> Callable[[World], None]:
    return lambda world: sql(
        f"UPDATE mailstore_mailboxstate SET {given} WHERE mailbox_id = %s", world.inbox.pk
    )


def _box(given: str, *values: Any) -> Callable[[World], None]:
    return lambda world: sql(
        f"UPDATE mailstore_mailbox SET {given} WHERE id = %s", *values, world.archive.pk
    )


def _usage(given: str) -> Callable[[World], None]:
    return lambda world: sql(
        f"UPDATE mailstore_usage SET {given} WHERE user_id = %s", world.inbox.user_id
    )


def _flip(world: World) -> None:
    inline = bytearray(world.blob(2).inline or b"")
    inline[len(inline) // 2] ^= 0xFF
    _blob("inline = %s", 2, bytes(inline))(world)


def _cut_object(world: World) -> None:
    path = world.object_file()
    path.write_bytes(path.read_bytes()[:-100])


def _flip_object(world: World) -> None:
    path = world.object_file()
    octets = bytearray(path.read_bytes())
    octets[300_000] ^= 1
    path.write_bytes(octets)


def _lose_message(world: World) -> None:
    sql("DELETE FROM mailstore_message WHERE id = %s", world.message(1).pk)


def _lose_expunged_message(world: World) -> None:
    gone = Expunged.objects.get(mailbox=world.inbox, uid=4).message_id
    sql("DELETE FROM mailstore_message WHERE id = %s", gone)


def _lose_head(world: World) -> None:
    head = Entry.objects.get(mailbox=world.inbox, uid=3).head_id
    sql("DELETE FROM mailstore_deliveryhead WHERE id = %s", head)


def _lose_entry(world: World) -> None:
    sql("DELETE FROM mailstore_entry WHERE mailbox_id = %s AND uid = 3", world.inbox.pk)


def _live_and_expunged(world: World) -> None:
    sql("UPDATE mailstore_expunged SET uid = 3 WHERE mailbox_id = %s AND uid = 4", world.inbox.pk)


def _lose_keywords(world: World) -> None:
    sql("DELETE FROM mailstore_keyword WHERE mailbox_id = %s", world.inbox.pk)


def _lose_state(world: World) -> None:
    sql("DELETE FROM mailstore_mailboxstate WHERE mailbox_id = %s", world.archive.pk)


def _lose_mailbox(world: World) -> None:
    sql("DELETE FROM mailstore_keyword WHERE mailbox_id = %s", world.archive.pk)
    sql("DELETE FROM mailstore_mailboxstate WHERE mailbox_id = %s", world.archive.pk)
    sql("DELETE FROM mailstore_mailbox WHERE id = %s", world.archive.pk)


def _lose_inbox_role(world: World) -> None:
    sql("UPDATE mailstore_mailbox SET special_use = '' WHERE id = %s", world.inbox.pk)


def _lose_usage(world: World) -> None:
    sql("DELETE FROM mailstore_usage WHERE user_id = %s", world.inbox.user_id)


def _stray_head(_: World) -> None:
    sql("INSERT INTO mailstore_deliveryhead (raw) VALUES (%s)", b"X: y\r\n")


def _stray_line_size(_: World) -> None:
    sql("INSERT INTO mailstore_linesize (message_id, growth, ascii_growth) VALUES (999999, 1, 1)")


def _wrong_line_size(world: World) -> None:
    sql(
        "INSERT INTO mailstore_linesize (message_id, growth, ascii_growth) VALUES (%s, 1, 1)",
        world.message(2).pk,
    )


def _junk_mark(world: World) -> None:
    sql(
        "INSERT INTO mailstore_junkmark (user_id, blob_id, judged, at, tries, lease_until)"
        " VALUES (%s, %s, 'nonsense', 0, 0, 0)",
        world.inbox.user_id,
        world.blob(2).pk.hex,
    )


def _reference(world: World) -> None:
    sql(
        "UPDATE mailstore_threadreference SET thread_id = 99999999 WHERE user_id = %s",
        world.inbox.user_id,
    )


def _lose_blob_row(uid: int) -> Callable[[World], None]:
    return lambda world: sql("DELETE FROM blobs_blob WHERE id = %s", world.blob(uid).pk.hex)


def _cross_blobs(world: World) -> None:
    other = world.blob(3).pk.hex
    _message("blob_id = %s", 2, other)(world)


def _uidvalidity(_: World) -> None:
    sql("UPDATE mailstore_counter SET value = 1 WHERE name = 'uidvalidity'")


DAMAGES = [
    # bytes
    Damage("a bit of a row is another", _flip, "damaged", "damaged", loses=True),
    Damage("an object is cut off", _cut_object, "damaged", "damaged", loses=True),
    Damage("a bit of an object is another", _flip_object, "damaged", "damaged", loses=True),
    Damage(
        "an object is gone", lambda w: w.object_file().unlink(), "missing", "missing", loses=True
    ),
    Damage("the size of a blob", _blob("size = size + 1", 2), "damaged"),
    Damage("the size of an object", _blob("size = size - 1", LARGE), "damaged"),
    Damage("the codec of a blob", _blob("codec = 0", 2), "damaged"),
    Damage("the codec is unknown", _blob("codec = 7", 2), "damaged"),
    Damage("the frames of an object", _blob("frames = %s", LARGE, b"12345678"), "damaged"),
    Damage("the frames are nonsense", _blob("frames = %s", LARGE, b"1"), "damaged"),
    Damage("the key of an object", _blob("key = %s", LARGE, "ab" * 16), "missing"),
    Damage("the key leaves the folder", _blob("key = %s", LARGE, "../../x"), "missing"),
    Damage("the checksum", _blob("sha256 = %s", 2, b"0" * 32), "damaged", "damaged", loses=True),
    Damage("the row of a blob is gone", _lose_blob_row(2), "missing", "missing", loses=True),
    Damage("the row of an object is gone", _lose_blob_row(LARGE), "missing"),
    # messages
    Damage("a message is another's blob", _cross_blobs, "recipe", "recipe", loses=True),
    Damage("what was cut is shown", _message("cuts = '[]'", 1), "recipe"),
    Damage("the cuts are nonsense", _message("cuts = '[[9'", 1), "recipe"),
    Damage("the cuts are beyond", _message("cuts = '[[5, 99999999]]'", 1), "recipe"),
    Damage("the prefix is gone", _message("prefix = %s", 2, b""), "recipe"),
    Damage(
        "a bit of the prefix", _message("prefix = %s", 2, PREFIX.replace(b":", b"\0", 1)), "recipe"
    ),
    Damage("the size of a message", _message("size = size + 5"), "derived size"),
    Damage("the header kept", _message("header = %s", 2, b"X: y\r\n\r\n"), "derived"),
    Damage("no header is kept", _message("header = %s", 2, b""), "derived"),
    Damage("the size of the header", _message("header_size = 3"), "derived"),
    Damage("the envelope", _message("envelope = %s", 2, b"(NIL)"), "derived"),
    Damage("the body structure", _message("bodystructure = %s", 2, b"("), "derived"),
    Damage("the parts", _message("parts = %s", 2, b"["), "derived"),
    Damage("the subject", _message("subject = 'another'"), "derived"),
    Damage("the date", _message("sent_at = '2001-01-01 00:00:00'"), "derived"),
    Damage("the day", _message("sent_date = '2001-01-01'"), "derived"),
    Damage("the Message-ID", _message("message_id = ''"), "derived"),
    Damage("the attachments", _message("has_attachments = TRUE"), "derived"),
    Damage("the growth by lines", _wrong_line_size, "derived"),
    # mailboxes
    Damage("a message is gone", _lose_message, "entry", loses=True),
    Damage("an expunged message is gone", _lose_expunged_message, "expunged"),
    Damage("a delivery head is gone", _lose_head, "head", loses=True),
    Damage("the size of an entry", _entry("size = 1"), "size counters"),
    Damage("the size of an expunge", _expunged("size = 1"), "size"),
    Damage("flags that are none", _entry("flags = flags | 4096"), "flags"),
    Damage("keywords that have no name", _lose_keywords, "keywords"),
    Damage("a bit that can have no name", _entry("keywords = -9223372036854775807"), "keywords"),
    Damage("a time that is none", _entry("internaldate = 99999999999999"), "date"),
    Damage("a zone that is none", _entry("internaldate_offset = 1500"), "date"),
    Damage("a conversation to come", _entry("thread_id = 99999999"), "thread"),
    Damage("a conversation knows too early", _reference, "thread"),
    Damage("a UID of 0", _entry("uid = 0"), "uid"),
    Damage("a UID above all", _entry("uid = 4294967296"), "uid counters"),
    Damage("there and expunged", _live_and_expunged, "expunged"),
    Damage("an entry is gone", _lose_entry, "counters unshown head", loses=True),
    Damage("the number of messages", _state("messages = 77"), "counters"),
    Damage("the unseen", _state("unseen = 0"), "counters"),
    Damage("the bytes of a mailbox", _state("size = 0"), "counters"),
    Damage("UIDs given anew", _state("uidnext = 3"), "counters"),
    Damage("UIDs that no client knows", _state("uidnext = 99999999999"), "counters"),
    Damage("modseqs given anew", _state("highestmodseq = 2"), "counters"),
    Damage("new above the next", _state("recent_floor = 999"), "counters"),
    Damage("forgotten above the highest", _state("expunged_floor = 999999"), "counters"),
    Damage("no counters", _lose_state, "counters"),
    Damage("no mailbox", _lose_mailbox, "entry counters"),
    Damage("a name that is none", _box("name = %s", "a//b"), "mailbox"),
    Damage("a role that is none", _box("special_use = 'king'"), "mailbox"),
    Damage("a UIDVALIDITY of 0", _box("uidvalidity = 0"), "mailbox"),
    Damage("UIDVALIDITYs given anew", _uidvalidity, "mailbox"),
    # users
    Damage("no INBOX", _lose_inbox_role, "account"),
    Damage("no account of space", _lose_usage, "account"),
    Damage("what a user uses", _usage("size = 5"), "counters"),
    Damage("what a user can bring back", _usage("expunged = 5"), "counters"),
    Damage("what is reserved", _usage("reserved = 5"), "counters"),
    Damage("less than nothing is reserved", _usage("reserved = -5"), "counters"),
    # small things
    Damage("a head that nothing names", _stray_head, "head"),
    Damage("a line size without a message", _stray_line_size, "line-size"),
    Damage("a mark that says nothing", _junk_mark, "junk-mark"),
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_it_finds_and_mends(world: World, damage: Damage) -> None:
    before = readable()
    damage.do(world)

    code, found = run()
    assert list(dict.fromkeys(one["kind"] for one in found)) == damage.kinds.split()
    assert code == any(not one["harmless"] for one in found)
    assert {one["outcome"] for one in found} == {"told"}
    assert not SetAside.objects.exists()

    code, done = run("--repair")
    # What only followed from something else is mended with it.
    assert [one["kind"] for one in done][:1] == damage.kinds.split()[:1]
    for one in done:
        assert one["outcome"] == ("mended" if one["can_be_mended"] else "told"), one
    code, left = run()
    assert [one["kind"] for one in left] == damage.stays.split()
    assert code == bool(damage.stays)
    if not damage.loses:
        assert readable() >= before
    assert_counters_are_exact()


def test_it_changes_nothing_unless_it_is_asked_to(world: World) -> None:
    assert run() == (0, [])
    for name in ("the key of an object", "the prefix is gone", "a UID of 0", "what a user uses"):
        next(one for one in DAMAGES if one.name == name).do(world)
    before = readable()
    found = run()
    assert {one["kind"] for one in found[1]} == {"missing", "recipe", "uid", "counters"}
    assert run() == found
    assert readable() == before


def test_it_keeps_what_it_takes_out(world: World) -> None:
    lost = world.message(1).pk
    _lose_message(world)
    _lose_head(world)
    head = Entry.objects.get(mailbox=world.inbox, uid=3).head_id
    assert run("--repair")[0] == 0
    rows = {one.place: json.loads(one.row) for one in SetAside.objects.all()}
    assert {place: row["message_id"] for place, row in rows.items() if row.get("uid") == 1} == {
        "alice@example.test INBOX 1": lost,
        "alice@example.test Archive 1": lost,
    }
    assert rows["alice@example.test INBOX 3"]["head_id"] == head
    out = StringIO()
    call_command("fsck", aside=True, stdout=out)
    printed = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {one["place"]: one["row"] for one in printed} == rows
    assert {one["kind"] for one in printed} == {"entry", "head"}
    # A client that resynchronises learns that it is gone, one that knows the UID is not told lies.
    since = queries.changes_since(world.inbox.pk, 1)
    assert not since.complete
    assert [row.uid for row in since.changed] == [2, 3, 6]


def test_it_forgets_what_was_set_aside_with_the_journal(world: World) -> None:
    _lose_message(world)
    run("--repair")
    forget()
    assert SetAside.objects.exists()
    with time_machine.travel(now() + 91 * 86_400):
        forget()
    assert not SetAside.objects.exists()


def test_it_gives_no_uid_twice(world: World) -> None:
    """The next UID was lost, with all that told of those that were given: clients start afresh."""
    _state("uidnext = 2")(world)
    validity = world.inbox.uidvalidity
    assert run("--repair")[0] == 0
    world.inbox.refresh_from_db()
    assert world.inbox.uidvalidity > validity
    assert delivered([filing(world.inbox)])[0].uid == LARGE + 1


def test_it_finds_the_readers_of_what_no_mailbox_shows(world: World, alice: Any) -> None:
    text = queries.shown_bytes(world.message(3).pk, None)
    _lose_entry(world)
    assert run("--repair")[0] == 0
    recovered = box(alice, "Recovered")
    (entry,) = Entry.objects.filter(mailbox=recovered)
    assert queries.shown_bytes(entry.message_id, entry.head_id) == text
    assert entry.thread_id == entry.message_id  # the conversation that it was in


def test_it_does_not_guess_whose_mail_it_was(world: World, bob: Any) -> None:
    """Bob knows the same Message-ID: the message might be either's."""
    delivered([filing(box(bob), prepared(numbered(1)))])
    _lose_entry(world)
    code, found = run("--repair")
    assert code == 1
    assert [one["kind"] for one in found if not one["harmless"]] == ["counters", "unshown"]
    assert found[1]["detail"].endswith("nobody knows whom it was for")
    assert not Mailbox.objects.filter(name="Recovered").exists()


@pytest.mark.parametrize("text", [b"Work(1", b"a b"])
def test_it_renames_keywords_that_no_client_can_be_told(world: World, text: bytes) -> None:
    sql(
        "UPDATE mailstore_keyword SET name = %s WHERE mailbox_id = %s",
        text.decode(),
        world.inbox.pk,
    )
    assert run("--repair")[0] == 0
    assert queries.keyword_names(world.inbox.pk) == ("Recovered-0",)


def test_it_cleans_rights(world: World, bob: Any) -> None:
    give = "INSERT INTO mailstore_mailboxright (mailbox_id, user_id, rights) VALUES (%s, %s, %s)"
    sql(give, world.inbox.pk, bob.pk, "rlr?")
    sql(give, world.archive.pk, bob.pk, "?")
    assert [one["kind"] for one in run("--repair")[1]] == ["mailbox", "mailbox"]
    rows = MailboxRight.objects.values_list("mailbox_id", "rights")
    assert list(rows) == [(world.inbox.pk, "lr")]
    assert run() == (0, [])


def test_it_reads_what_is_no_text(world: World) -> None:
    """SQLite keeps whatever octets it is given: one such column must not hide all others."""
    if connection.vendor == "sqlite":
        _message("subject = CAST(%s AS TEXT)", 2, b"\xff\xfe")(world)
        _box("name = CAST(%s AS TEXT)", b"\xe4")(world)
        found = run()[1]
        assert [one["kind"] for one in found] == ["mailbox", "derived"]
        assert found[0]["where"] == "alice@example.test \udce4"
        out = StringIO()
        with pytest.raises(SystemExit):
            call_command("fsck", stdout=out)
        assert "mailbox: alice@example.test \\udce4: such a name" in out.getvalue()
        assert run("--repair")[0] == 0
    else:  # which keeps nothing but text
        with pytest.raises(DataError), transaction.atomic():
            _message("subject = convert_from(%s, 'UTF8')", 2, b"\xff\xfe")(world)
    assert run() == (0, [])


def test_it_makes_broken_indexes_of_sqlite_anew(tmp_path: Path) -> None:
    """In a database of its own: in this one a transaction is open."""
    path = tmp_path / "mail.sqlite3"
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("CREATE TABLE mail (uid INTEGER PRIMARY KEY, size INTEGER)")
    raw.execute("CREATE INDEX by_size ON mail (size)")
    raw.executemany("INSERT INTO mail (size) VALUES (?)", [(size,) for size in range(100)])
    raw.execute("PRAGMA writable_schema = ON")
    # The same pages, said to be of another column: every entry is a wrong one.
    raw.execute(
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX by_size ON mail (uid)' WHERE name = 'by_size'"
    )
    raw.close()
    found = list(database.of_lines(_integrity(path)))
    assert [(one.kind, one.where) for one in found] == [("database", "by_size")]
    assert found[0].mend is not None
    bad = list(database.of_lines(["*** in database main ***", "Page 3: btreeInitPage() error"]))
    assert [one.mend for one in bad] == [None, None]


def _integrity(path: Path) -> list[str]:
    raw = sqlite3.connect(path)
    try:
        return [line for (line,) in raw.execute("PRAGMA integrity_check")]
    finally:
        raw.close()


@pytest.mark.parametrize(
    "name", ["the header kept", "the prefix is gone", "a delivery head is gone"]
)
def test_it_has_indexed_anew_what_it_shows_otherwise(world: World, name: str) -> None:
    Unindexed.objects.all().delete()
    next(one for one in DAMAGES if one.name == name).do(world)
    run("--repair")
    owners = set(Unindexed.objects.values_list("user_id", flat=True))
    assert world.inbox.user_id in owners
    uid = 3 if name == "a delivery head is gone" else 2
    waiting = set(Unindexed.objects.values_list("message_id", flat=True))
    assert waiting == {world.message(uid).pk}
