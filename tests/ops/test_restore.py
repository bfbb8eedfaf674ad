"""`restore` as people and programs use it, for what users' mail programs removed."""

import re
from pathlib import Path

import pytest
import time_machine

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import FLAG_DRAFT, Entry, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import mailboxes
from apps.mailstore.services.append import Appending
from apps.provisioning import services as provisioning
from apps.provisioning import undelete
from apps.runtime.clock import now
from tests.mailstore.making import DATE, ORIGIN, appended, box, filled, prepared
from tests.mailstore.test_undelete import emptied
from tests.provisioning.management import running
from tests.provisioning.management.running import Done

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]

ALICE = "alice@example.test"
PHONE = Origin("imap", None, client="Phone Mail", address="192.0.2.7")
DAY = 86_400


@pytest.fixture
def keep_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run_from_argv` closes all connections at its end, and with it the test's transaction."""
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)


@pytest.fixture
def inbox(alice: User) -> Mailbox:
    return box(alice)


def run(*words: str) -> Done:
    return running.run("restore", *words, app="ops")


def uids(mailbox: Mailbox) -> list[int]:
    return list(queries.snapshot(mailbox.pk).uids)


def test_it_brings_back_messages(inbox: Mailbox) -> None:
    filled(inbox, 6)
    emptied(inbox, [1, 2, 3, 5])
    done = run("message", ALICE, "inbox", "2:3,99", "5")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"3 messages of {ALICE} are back in INBOX, as UID 7:9.\n"
    done = run("message", ALICE, "INBOX", "--all", "--json")
    assert done.json == {
        "user": ALICE,
        "mailbox": "INBOX",
        "uidvalidity": inbox.uidvalidity,
        "uids": [[1, 10]],
    }
    done = run("message", ALICE, "INBOX", "--all")
    assert (done.code, done.out) == (0, f"0 messages of {ALICE} are back in INBOX.\n")
    assert uids(inbox) == [4, 6, 7, 8, 9, 10]


def test_it_brings_back_messages_into_another_mailbox(inbox: Mailbox) -> None:
    filled(inbox, 1)
    emptied(inbox)
    done = run("message", ALICE, "INBOX", "1", "--into", "Archive")
    assert done.out == f"1 message of {ALICE} is back in Archive, as UID 1.\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["message", ALICE, "INBOX", "1"], 1, "None of these messages can be brought back."),
        (["message", ALICE, "INBOX", "1:*"], 1, "'1:*' is no UID and no range of UIDs."),
        (["message", ALICE, "INBOX", "1:9999999999"], 1, "None of these messages"),
        (["message", ALICE, "INBOX"], 2, "Give UIDs, or --all."),
        (["message", ALICE, "INBOX", "1", "--all"], 2, "Give UIDs, or --all."),
        (["message", ALICE, "Nothing", "1"], 1, "No such mailbox."),
        (["message", ALICE, "Gone", "1"], 1, "The mailbox Gone is deleted: bring it back first."),
        (["message", ALICE, "a//b", "1"], 1, "Mailbox name is not valid."),
        (["message", "nobody@example.test", "INBOX", "1"], 1, "There is no user nobody@"),
        (["mailbox", ALICE, "Nothing"], 1, "No such mailbox."),
        (["mailbox", ALICE, "Gone", "--id", "1"], 1, "There is no such deleted mailbox."),
        (["removed", ALICE, "--since", "yesterday"], 2, "30m, 2h, 7d or 2w ago"),
        (["removed", ALICE, "--since", "9999999w"], 2, "30m, 2h, 7d or 2w ago"),
        (["removed", ALICE], 2, "--since"),
        (["list", "nobody@example.test"], 1, "There is no user nobody@"),
        (["list", ALICE, "--mailbox", "Nothing"], 1, "No such mailbox."),
        (["everything"], 2, "invalid choice"),
        (["backup", "/nonexistent/backup"], 1, ""),
    ],
)
def test_it_says_what_is_wrong(
    alice: User, words: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mailboxes.create(user_id=alice.pk, name="Gone")
    mailboxes.delete(user_id=alice.pk, name="Gone", origin=ORIGIN)
    done = run(*words)
    assert (done.code, done.out) == (code, "")
    said = done.err + capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said


def test_it_says_that_there_is_no_room(alice: User, inbox: Mailbox) -> None:
    filled(inbox, 3)
    emptied(inbox)
    provisioning.change_user(ALICE, quota=10)
    for words in (
        ["message", ALICE, "INBOX", "--all"],
        ["mailbox", ALICE, "INBOX"],
        ["removed", ALICE, "--since", "1h"],
    ):
        done = run(*words)
        assert done.code == 1
        assert re.search(r"Mailbox is full: \d+ bytes to bring back, \d+ more than", done.err)
    assert uids(inbox) == []


def test_it_brings_back_a_deleted_mailbox(alice: User) -> None:
    made = mailboxes.create(user_id=alice.pk, name="Work")
    filled(made, 2)
    mailboxes.delete(user_id=alice.pk, name="Work", origin=ORIGIN)
    done = run("mailbox", ALICE, "Work")
    assert (done.code, done.out) == (0, f"Work of {ALICE} is back, with 2 messages.\n")
    mailboxes.delete(user_id=alice.pk, name="Work", origin=ORIGIN)
    mailboxes.create(user_id=alice.pk, name="Work")
    done = run("mailbox", ALICE, "Work", "--json")
    assert (done.json["mailbox"], done.json["name"]) == ("Work", "Work (restored)")
    assert done.json["messages"] == 2


def test_it_brings_back_the_one_deleted_last_or_the_one_that_is_named(alice: User) -> None:
    ids = []
    for number in range(2):
        with time_machine.travel(now() - DAY + number):
            ids.append(mailboxes.create(user_id=alice.pk, name="Work").pk)
            mailboxes.delete(user_id=alice.pk, name="Work", origin=ORIGIN)
    assert run("mailbox", ALICE, "Work").code == 0
    assert box(alice, "Work").pk == ids[1]
    done = run("mailbox", ALICE, "Work", "--id", str(ids[0]))
    assert done.out == f"Work of {ALICE} is back as Work (restored), with 0 messages.\n"


def test_it_fills_a_mailbox_that_was_emptied(inbox: Mailbox) -> None:
    filled(inbox, 3)
    emptied(inbox)
    done = run("mailbox", ALICE, "INBOX")
    assert done.out == f"3 messages of {ALICE} are back in INBOX, as UID 4:6.\n"


def test_it_brings_back_what_one_client_removed(alice: User, inbox: Mailbox) -> None:
    made = mailboxes.create(user_id=alice.pk, name="Work")
    filled(made, 2)
    filled(inbox, 4)
    emptied(inbox, [1, 2], PHONE)
    emptied(inbox, [3])
    mailboxes.delete(user_id=alice.pk, name="Work", origin=PHONE)
    words = ["removed", ALICE, "--since", "1h", "--client", "phone", "--ip", "192.0.2.7"]
    told = f"1 mailbox and 2 messages of {ALICE} {{}} back.\nMailboxes: Work\n"
    assert run(*words, "--dry-run").out == told.format("would come")
    assert uids(inbox) == [4]
    assert run(*words).out == told.format("came")
    assert uids(inbox) == [4, 5, 6]
    assert run(*words, "--json").json == {"mailboxes": [], "messages": 0, "lost": 0, "older": 0}
    assert run("removed", ALICE, "--since", "1h", "--by", ALICE).out.startswith("0 mailboxes and 0")


def test_it_tells_what_is_lost(alice: User) -> None:
    made = mailboxes.create(user_id=alice.pk, name="Work")
    filled(made, 1)
    emptied(made, [1], PHONE)
    mailboxes.delete(user_id=alice.pk, name="Work", origin=ORIGIN)
    done = run("removed", ALICE, "--since", "1h", "--client", "phone")
    assert done.out.endswith("\n1 message more is of mailboxes that others deleted.\n")


def test_it_tells_of_versions_of_drafts(alice: User) -> None:
    drafts = box(alice, "Drafts")
    raw = b"Message-ID: <draft@x>\r\n\r\nDear Bob"
    appended(drafts, [Appending(prepared(raw), DATE, FLAG_DRAFT) for _ in range(3)])
    emptied(drafts)
    words = ["removed", ALICE, "--since", "1h"]
    told = (
        f"0 mailboxes and 1 message of {ALICE} {{}} back.\n2 older versions of drafts are left out."
    )
    assert run(*words, "--dry-run").out == told.format("would come") + "\n"
    assert run(*words).out == told.format("came") + "\n"
    assert run("message", ALICE, "Drafts", "1").out.startswith("1 message of")


def test_it_lists(alice: User, inbox: Mailbox) -> None:
    with time_machine.travel("2026-11-20T10:00:00Z", tick=False):
        made = mailboxes.create(user_id=alice.pk, name="Work\u00e9")
        filled(made, 2)
        mailboxes.delete(user_id=alice.pk, name=made.name, origin=PHONE)
        filled(inbox, 3)
        emptied(inbox)
        size = Entry.objects.filter(mailbox=made).first().size  # type: ignore[union-attr]
    done = run("list", ALICE, "--limit", "2")
    mailbox, *rows = done.out.splitlines()
    assert mailbox.split("\t") == [
        "Work\u00e9",
        str(made.pk),
        "2026-11-20T10:00:00Z",
        "2",
        str(2 * size),
        "imap",
        "Phone Mail",
        "192.0.2.7",
    ]
    assert [row.split("\t")[:3] for row in rows] == [
        ["INBOX", uid, "2026-11-20T10:00:00Z"] for uid in "32"
    ]
    assert rows[0].split("\t")[5:] == ["bob@example.test", "Lunch 2"]
    assert done.err == f"3 messages of {3 * size} bytes can be brought back.\n"
    found = run("list", ALICE, "--limit", "0", "--json").json
    assert found["total"] == {"messages": 3, "size": 3 * size}
    assert [one["uid"] for one in found["messages"]] == [3, 2, 1]
    assert [one["name"] for one in found["mailboxes"]] == ["Work\u00e9"]
    only = run("list", ALICE, "--mailbox", "INBOX", "--since", "2026-11-20T10:00", "--json").json
    assert (len(only["messages"]), only["mailboxes"]) == (3, [])
    later = run("list", ALICE, "--since", "2026-11-20T10:00:01Z", "--json").json
    assert later == {"mailboxes": [], "messages": [], "total": {"messages": 0, "size": 0}}


def test_it_lists_page_by_page(
    alice: User, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undelete, "_PAGE", 2)
    filled(inbox, 5)
    emptied(inbox)
    assert [row.uid for row in undelete.expunged(ALICE)] == [5, 4, 3, 2, 1]
    assert [row.uid for row in undelete.expunged(ALICE, limit=3)] == [5, 4, 3]
    assert [row.uid for row in undelete.expunged(ALICE, limit=4)] == [5, 4, 3, 2]


def test_it_shows_dates_of_any_year(inbox: Mailbox) -> None:
    filled(inbox, 1)
    Entry.objects.update(internaldate=-(10**12))
    emptied(inbox)
    assert next(undelete.expunged(ALICE)).date == ""


@pytest.mark.parametrize(
    ("text", "ago"), [("30m", 1_800), ("2h", 7_200), ("7d", 7 * DAY), ("2w", 14 * DAY)]
)
def test_it_knows_times_ago(text: str, ago: int) -> None:
    with time_machine.travel(DATE, tick=False):
        assert undelete.moment(text) == DATE - ago


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-02", DAY),
        ("1970-01-02T00:01", DAY + 60),
        ("1970-01-02T00:01:02Z", DAY + 62),
        ("1970-01-02T01:00+01:00", DAY),
    ],
)
def test_it_knows_times_of_utc(text: str, at: int) -> None:
    assert undelete.moment(text) == at


def test_it_still_knows_a_backup_by_its_folder(tmp_path: Path) -> None:
    done = run(str(tmp_path))
    assert done.code == 1
    assert "manifest.json" in done.err


def test_it_takes_no_folder_for_a_verb(
    alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run("list", ALICE, "--json").json["mailboxes"] == []
