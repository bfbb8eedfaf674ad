"""Resynchronising where dialogues do not reach: expunges that were forgotten, sequence match data,
many messages (RFC 7162)."""

from collections.abc import Sequence
from typing import Any

import pytest

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import MailboxState
from apps.mailstore.origin import Origin
from apps.mailstore.services import flags
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, StoreResult, store
from apps.mailstore.services.purge import purge
from apps.wire.errors import StorageUnavailable
from tests.imap.conftest import add_numbered
from tests.imap.test_server import answer, signed_in
from tests.support.dialogue import Client
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = Origin("test", None)


def inbox(user: User) -> tuple[int, int]:
    """Id and UIDVALIDITY."""
    row = next(row for row in queries.mailboxes(user.pk) if row.name == "INBOX")
    return row.id, row.counters.uidvalidity


def resynchronising(server: RunningServer) -> Client:
    client = signed_in(server)
    answer(client, "ENABLE QRESYNC")
    return client


def told(lines: list[str]) -> list[str]:
    """What SELECT says beside its description of the mailbox."""
    return [line for line in lines if "VANISHED" in line or "FETCH" in line]


@pytest.fixture
def thirds(alice: User, server: RunningServer) -> User:
    """As in section 3.2.5.2: only UIDs that can be divided by three are left, 3 to 30; what was
    expunged is forgotten."""
    add_numbered(alice.pk, 31)
    mailbox_id, _ = inbox(alice)
    gone = [uid for uid in range(1, 32) if uid % 3]
    expunge(mailbox_id=mailbox_id, uids=gone, marked=False, origin=ORIGIN)
    purge(keep_days=-1)
    return alice


ALL_GONE = "* VANISHED (EARLIER) 1:2,4:5,7:8,10:11,13:14,16:17,19:20,22:23,25:26,28:29,31"


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ("", [ALL_GONE]),
        (" 1:31", [ALL_GONE]),
        (" 1:9,20:4000000000", ["* VANISHED (EARLIER) 1:2,4:5,7:8,20,22:23,25:26,28:29,31"]),
        (" 3,6", []),
        # The pairs match up to the fourth message; the fifth had another UID.
        (" 1:31 (1:5 3,6,9,12,16)", [ALL_GONE.replace("1:2,4:5,7:8,10:11,", "")]),
        # The example of the section: 4 and 8 match there; here 1 and 3, and 2 was 7.
        (" 1:31 (1:2 3,7)", [ALL_GONE.replace("1:2,", "")]),
        (" 1:31 (1:10 3,6,9,12,15,18,21,24,27,30)", ["* VANISHED (EARLIER) 31"]),
        (" (1:10 3,6,9,12,15,18,21,24,27,30)", ["* VANISHED (EARLIER) 31"]),
        (" 1:30 (1:10 3,6,9,12,15,18,21,24,27,30)", []),
        # None matches, and numbers that no mailbox has.
        (" 1:31 (1:4000000000 1:4000000000)", [ALL_GONE]),
    ],
)
def test_it_reports_all_that_is_not_there_when_expunges_are_forgotten(
    thirds: User, server: RunningServer, known: str, expected: list[str]
) -> None:
    _, validity = inbox(thirds)
    client = resynchronising(server)
    before = MailboxState.objects.get(mailbox__user=thirds, mailbox__name="INBOX")
    modseq = before.expunged_floor - 1
    lines = answer(client, f"SELECT INBOX (QRESYNC ({validity} {modseq}{known}))")
    assert told(lines) == expected
    # From the floor on all is known, and nothing has happened.
    known = known.partition(" (")[0]
    lines = answer(client, f"SELECT INBOX (QRESYNC ({validity} {modseq + 1}{known}))")
    assert told(lines) == []
    client.close()


def test_it_fetches_what_vanished_of_a_set_when_expunges_are_forgotten(
    thirds: User, server: RunningServer
) -> None:
    client = resynchronising(server)
    answer(client, "SELECT INBOX")
    for asked, expected in (
        ("1:4294967295", [ALL_GONE]),
        ("1:*", [ALL_GONE]),
        ("4:9", ["* VANISHED (EARLIER) 4:5,7:8"]),
        ("3,6", []),
        ("40:50", []),
    ):
        lines = answer(client, f"UID FETCH {asked} (FLAGS) (CHANGEDSINCE 1 VANISHED)")
        assert [line for line in lines if "VANISHED" in line] == expected
    client.close()


def test_it_catches_up_with_many_messages_in_pages(
    alice: User, strict_server: RunningServer
) -> None:
    """Pages are of 50 here: each is told, once, in order, with flags that came meanwhile."""
    add_numbered(alice.pk, 130)
    mailbox_id, validity = inbox(alice)
    state = MailboxState.objects.get(mailbox=mailbox_id)
    change = FlagChange("add", 1, ("$Work",))
    store(mailbox_id=mailbox_id, uids=range(5, 126), change=change, origin=ORIGIN)
    expunge(mailbox_id=mailbox_id, uids=[7, 9], marked=False, origin=ORIGIN)
    client = resynchronising(strict_server)
    lines = answer(client, f"SELECT INBOX (QRESYNC ({validity} {state.highestmodseq} 1:99))")
    vanished, *fetched = told(lines)
    assert vanished == "* VANISHED (EARLIER) 7,9"
    uids = [uid for uid in range(5, 100) if uid not in {7, 9}]
    modseq = state.highestmodseq + 1
    assert fetched == [
        f"* {uid - (uid > 7) - (uid > 9)} FETCH (UID {uid}"
        f" FLAGS (\\Recent \\Seen $Work) MODSEQ ({modseq}))"
        for uid in uids
    ]
    assert any(line.startswith("* FLAGS (") and "$Work" in line for line in lines)
    client.close()


def test_it_writes_no_endless_line(
    thirds: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.imap.telling.RUNS_MAX", 4)
    client = resynchronising(server)
    answer(client, "SELECT INBOX")
    lines = answer(client, "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)")
    assert [line for line in lines if "VANISHED" in line] == [
        "* VANISHED (EARLIER) 1:2,4:5,7:8,10:11",
        "* VANISHED (EARLIER) 13:14,16:17,19:20,22:23",
        "* VANISHED (EARLIER) 25:26,28:29,31",
    ]
    client.close()


def test_it_tells_changes_of_many_messages_in_pages(
    alice: User, strict_server: RunningServer
) -> None:
    """Pages are of 50 here."""
    add_numbered(alice.pk, 120)
    mailbox_id, _ = inbox(alice)
    client = resynchronising(strict_server)
    answer(client, "SELECT INBOX")
    change = FlagChange("add", 1, ("$Work",))
    modseq = store(mailbox_id=mailbox_id, uids=range(1, 121), change=change, origin=ORIGIN).modseqs
    expunge(mailbox_id=mailbox_id, uids=[60], marked=False, origin=ORIGIN)
    lines = answer(client, "NOOP")
    assert lines[2] == "* VANISHED 60"
    assert [line for line in lines if "FETCH" in line] == [
        f"* {uid - (uid > 60)} FETCH (UID {uid} FLAGS (\\Recent \\Seen $Work) MODSEQ ({modseq[0]}))"
        for uid in range(1, 121)
        if uid != 60
    ]
    client.close()


def test_it_stores_many_in_pages(
    alice: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_numbered(alice.pk, 12)
    mailbox_id, _ = inbox(alice)
    monkeypatch.setattr("apps.imap.handlers.store.PAGE", 5)
    client = resynchronising(server)
    other = signed_in(server)
    answer(client, "SELECT INBOX")
    answer(other, "SELECT INBOX")
    change = FlagChange("add", 2)
    modseq = store(mailbox_id=mailbox_id, uids=[3, 8, 12], change=change, origin=ORIGIN).modseqs[0]
    lines = answer(client, f"STORE 1:* (UNCHANGEDSINCE {modseq - 1}) FLAGS.SILENT (\\Seen)")
    assert lines[-1].startswith("x OK [MODIFIED 3,8,12] ")
    expected = {uid: modseq + 1 + (uid - 1) // 5 for uid in range(1, 13)}
    assert [line for line in lines if line.startswith("* ") and "FLAGS" not in line] == [
        f"* {uid} FETCH (UID {uid} MODSEQ ({expected[uid]}))"
        for uid in range(1, 13)
        if uid not in (3, 8, 12)
    ]
    assert answer(client, "SEARCH UNSEEN")[0].startswith("* SEARCH 3 8 12")
    lines = answer(other, "NOOP")
    assert len([line for line in lines if "FETCH" in line]) == 12
    for one in (client, other):
        one.close()


@pytest.mark.parametrize("silent", ["", ".SILENT"])
def test_it_tells_what_a_store_did_before_it_failed(
    alice: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    add_numbered(alice.pk, 6)
    monkeypatch.setattr("apps.imap.handlers.store.PAGE", 2)

    def failing(*, uids: Sequence[int], **more: Any) -> StoreResult:
        if 5 in uids:
            raise StorageUnavailable
        return store(uids=uids, **more)

    monkeypatch.setattr(flags, "store", failing)
    client = signed_in(server)
    answer(client, "SELECT INBOX")
    client.send(f"x STORE 1:* +FLAGS{silent} (\\Flagged)")
    assert [client.line() for _ in range(4)] == [
        f"* {seq} FETCH (FLAGS (\\Recent \\Flagged))" for seq in range(1, 5)
    ]
    assert client.line().startswith("x NO [UNAVAILABLE]")
    client.close()


def test_it_changes_nothing_after_examine(alice: User, server: RunningServer) -> None:
    add_numbered(alice.pk, 1)
    client = resynchronising(server)
    answer(client, "EXAMINE INBOX")
    client.send("x STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)")
    assert client.line().startswith("x NO [READ-ONLY]")
    client.close()
