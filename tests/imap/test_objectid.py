"""EMAILID and THREADID (RFC 8474): the same for the same, for ever, whoever asks and when."""

import imaplib
import re

import pytest

from apps.directory.models import User
from apps.mailstore.models import Entry, ThreadReference
from tests.imap.conftest import add_message
from tests.imap.test_fetch import selected
from tests.mailstore.making import box, delivered, filing, prepared
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = b"Subject: A\r\nMessage-ID: <a@example.net>\r\n\r\nA\r\n"
ANSWER = (
    b"Subject: Re: A\r\nMessage-ID: <b@example.net>\r\nReferences: <a@example.net>\r\n\r\nB\r\n"
)
OTHER = b"Subject: A\r\nMessage-ID: <c@example.net>\r\n\r\nC\r\n"
_IDS = re.compile(rb"EMAILID \((M[0-9-]+)\) THREADID \((T[0-9]+)\)")

Ids = tuple[bytes, bytes]


def ids(client: imaplib.IMAP4, mailbox: str = "INBOX") -> list[Ids]:
    """EMAILID and THREADID of all messages."""
    client.select(mailbox)
    _, data = client.fetch("1:*", "(EMAILID THREADID)")
    found = [_IDS.search(line) for line in data if isinstance(line, bytes)]
    return [(one[1], one[2]) for one in found if one is not None]


def test_it_tells_what_belongs_together(alice: User, server: RunningServer) -> None:
    for raw in (QUESTION, ANSWER, OTHER):
        add_message(alice.pk, raw)
    with selected(server, alice) as client:
        one, two, three = ids(client)
        assert len({one[0], two[0], three[0]}) == 3
        assert one[1] == two[1] != three[1]
        client.copy("2", "Archive")
        client._simple_command("MOVE", "1", "Archive")
        assert ids(client) == [two, three]
        assert ids(client, "Archive") == [two, one]


def test_it_finds_the_conversations_of_old_mail_when_it_is_asked(
    alice: User, server: RunningServer
) -> None:
    for raw in (QUESTION, ANSWER, OTHER):
        add_message(alice.pk, raw)
    Entry.objects.update(thread_id=None)
    ThreadReference.objects.all().delete()
    with selected(server, alice) as client:
        client.fetch("1:*", "(EMAILID)")
        assert Entry.objects.filter(thread_id=None).count() == 3  # only when it is asked for
        before = ids(client)
        assert before[0][1] == before[1][1] != before[2][1]
        assert ids(client) == before
    assert not Entry.objects.filter(thread_id=None).exists()


def test_it_tells_deliveries_of_one_message_apart(alice: User, server: RunningServer) -> None:
    """What must stay the same with an EMAILID is what is shown, and that has a head of its own."""
    message = prepared(QUESTION)
    heads = (b"Delivered-To: a@example.test\r\n", b"Delivered-To: b@example.test\r\n", b"")
    delivered([filing(box(alice), message, head=head) for head in heads])
    with selected(server, alice) as client:
        found = ids(client)
    assert len({email for email, _ in found}) == 3
    assert len({thread for _, thread in found}) == 1
