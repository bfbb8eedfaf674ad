"""What IMAP clients see of mail that is brought back."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.origin import Origin
from apps.mailstore.removals import By
from apps.mailstore.services import revive, undelete
from apps.runtime.clock import now
from tests.imap.conftest import add_message, add_numbered
from tests.imap.talk import Talk
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = Origin("test", None)
WANTED = "FLAGS INTERNALDATE SAVEDATE EMAILID THREADID RFC822.SIZE BODY.PEEK[]"


@pytest.fixture
def client(alice: User, server: RunningServer) -> Iterator[Talk]:
    with closing(Talk(server.port, alice.address)) as one:
        yield one


def mailbox_id(user: User, name: str) -> int:
    return next(row.id for row in queries.mailboxes(user.pk) if row.name == name)


def bring_back(mailbox: int) -> None:
    undelete.messages(mailbox_id=mailbox, origin=ORIGIN)


def fetched(client: Talk) -> list[str]:
    """All of each message but its numbers, and \\Recent, which is a matter of the session."""
    lines, answer = client.say(f"FETCH 1:* ({WANTED})")
    assert answer.startswith("OK"), answer
    text = re.sub(r"\* \d+ FETCH", "* FETCH", "\r\n".join(lines))
    return text.replace(" \\Recent", "").replace("\\Recent", "").split("* FETCH")


def known(opened: list[str]) -> tuple[str, str]:
    """What a client remembers of an answer to SELECT: UIDVALIDITY and HIGHESTMODSEQ."""
    found = dict(re.findall(r"\[(UIDVALIDITY|HIGHESTMODSEQ) (\d+)\]", " ".join(opened)))
    return found["UIDVALIDITY"], found["HIGHESTMODSEQ"]


def test_it_gives_an_emptied_mailbox_back_as_it_was(alice: User, client: Talk) -> None:
    add_message(alice.pk, b"Subject: 1\r\n\r\nx", flags=1, keywords=("$Forwarded", "work"))
    add_message(alice.pk, b"Subject: 2\r\n\r\n" + b"y" * 99, flags=6, internaldate_offset=-330)
    add_numbered(alice.pk, 3)
    client.say("SELECT INBOX")
    client.say("STORE 3 +FLAGS (\\Draft $MDNSent)")
    before = fetched(client)
    assert len(before) == 6
    assert before[1].count("\\Seen") == before[3].count("$MDNSent") == 1
    client.say("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    assert len([one for one in client.say("EXPUNGE")[0] if "EXPUNGE" in one]) == 5
    inbox = mailbox_id(alice, "INBOX")
    bring_back(inbox)
    assert "* 5 EXISTS" in client.say("NOOP")[0]
    assert fetched(client) == before
    assert client.say("UID SEARCH ALL")[0] == ["* SEARCH 6 7 8 9 10"]
    assert client.say("EXPUNGE")[0] == []


def test_it_tells_other_sessions_and_who_resynchronises(
    alice: User, server: RunningServer, client: Talk
) -> None:
    add_numbered(alice.pk, 3)
    opened, _ = client.say("SELECT INBOX (CONDSTORE)")
    validity, modseq = known(opened)
    client.say("UID STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    client.say("EXPUNGE")
    with closing(Talk(server.port, alice.address)) as other:
        other.say("SELECT INBOX")
        inbox = mailbox_id(alice, "INBOX")
        bring_back(inbox)
        assert "* 3 EXISTS" in other.say("NOOP")[0]
    with closing(Talk(server.port, alice.address)) as later:
        later.say("ENABLE QRESYNC")
        lines, _ = later.say(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")
    assert "* VANISHED (EARLIER) 1,3" in lines
    assert [one.split("UID ")[1].split()[0] for one in lines if "FETCH" in one] == ["4", "5"]


def test_it_gives_a_deleted_mailbox_back_to_those_who_know_it(
    alice: User, server: RunningServer, client: Talk
) -> None:
    """Its sessions ended with BYE; they come again, and have nothing to load."""
    client.say("CREATE Work")
    client.say("SUBSCRIBE Work")
    add_numbered(alice.pk, 3, "Work")
    work = mailbox_id(alice, "Work")
    with closing(Talk(server.port, alice.address)) as reader:
        opened, _ = reader.say("SELECT Work (CONDSTORE)")
        validity, modseq = known(opened)
        before = fetched(reader)
        assert client.say("DELETE Work")[1].startswith("OK")
    assert client.say("SELECT Work")[1].startswith("NO [NONEXISTENT]")
    revive.mailbox(mailbox_id=work, origin=ORIGIN)
    assert any(one.endswith(' "Work"') for one in client.say('LSUB "" *')[0])
    with closing(Talk(server.port, alice.address)) as reader:
        reader.say("ENABLE QRESYNC")
        lines, answer = reader.say(f"SELECT Work (QRESYNC ({validity} {modseq}))")
        assert answer.startswith("OK [READ-WRITE]")
        assert not [one for one in lines if "VANISHED" in one or "FETCH" in one]
        assert f"* OK [UIDVALIDITY {validity}]" in " ".join(lines)
        assert fetched(reader) == before


def test_it_brings_back_what_each_client_removed(alice: User, server: RunningServer) -> None:
    """By what a client says in ID, and by where it comes from."""
    add_numbered(alice.pk, 4)
    for name, uid in (("Phone", 1), ("Laptop", 2)):
        with closing(Talk(server.port, alice.address)) as client:
            client.say(f'ID ("name" "{name} Mail" "version" "7")')
            client.say("SELECT INBOX")
            client.say(f"UID STORE {uid} +FLAGS (\\Deleted)")
            client.say("CLOSE")
    since = now() - 60

    def bring(by: By) -> int:
        done = undelete.removed(user_id=alice.pk, since=since, by=by, origin=ORIGIN)
        return done.messages

    assert bring(By(client="phone mail 8")) == 0
    assert bring(By(client="phone mail")) == 1
    assert bring(By(address="127.0.0.2")) == 0
    assert bring(By(door="imap", address="127.0.0.1", user_id=alice.pk)) == 1
