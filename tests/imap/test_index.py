"""Searches that the search index answers: the same as those that look at every message."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings

from apps.directory.models import User
from apps.imap.search import finding, texts
from apps.mailstore.models import Mailbox, MailboxRight
from apps.search.asking import ask
from apps.search.base import Known, Term
from apps.search.indexing import Indexer
from tests.imap.conftest import add_message, add_numbered
from tests.imap.talk import Talk
from tests.imap.test_fetch import selected
from tests.imap.test_searching import MESSAGES
from tests.support.imap_server import RunningServer

KEYS = [
    *['FROM "carol"', 'FROM "jürgen"', 'FROM "JURGEN"', 'TO "alice@"', 'CC "erin"', 'BCC "hidden"'],
    *['SUBJECT "grusse from"', 'SUBJECT "1"', 'SUBJECT "100%"', 'SUBJECT "_sure"', 'SUBJECT ""'],
    *['HEADER X-Tag "two w"', 'HEADER X-Tag ""', 'HEADER X-None ""', 'HEADER Message-ID "<1"'],
    *['HEADER Message-ID "1@"', 'HEADER To "alice"', 'HEADER Sender "a"', 'HEADER Reply-To ""'],
    *['BODY "café is opened"', 'BODY "cafe"', 'BODY "INNER words"', 'BODY ""', 'BODY "hidden"'],
    *['BODY "message 1"', 'TEXT "x-tag: two"', 'TEXT "e"', 'TEXT "message 2"', 'TEXT "zebra"'],
    *['NOT BODY "hello"', 'OR FROM "carol" NOT BODY "hallo"', 'UNSEEN TEXT "secret plan"'],
    *['NOT (OR SUBJECT "message" HEADER X-Tag "one")', 'BODY "hello" NOT SUBJECT "Message 1"'],
    *['FUZZY SUBJECT "grusse berlin"', 'FUZZY TEXT "secret plan nowhere"', 'FUZZY BODY "inner"'],
    *[
        'BODY "hello" SUBJECT "message" TO "alice"',
        'TEXT "secret" BODY "plan" HEADER X-Tag "words"',
    ],
    *[
        'BODY "hello" BODY "message 1" NOT SUBJECT "1"',
        'BODY "hello" (TEXT "e" SUBJECT "2") UNSEEN',
    ],
    *['SINCE 1-Oct-2024 BODY "hello"', 'LARGER 250 TEXT "one"', '5:9 BODY "hello"'],
]


@contextmanager
def without_index() -> Iterator[None]:
    before, settings.SEARCH_INDEX = settings.SEARCH_INDEX, False
    try:
        yield
    finally:
        settings.SEARCH_INDEX = before


def answers(client: Any) -> dict[str, object]:
    client._encoding = "utf-8"
    return {keys: client.search(None, keys) for keys in KEYS}


@pytest.mark.django_db(transaction=True)
def test_it_finds_what_a_scan_finds(
    alice: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what is indexed, of what is not yet, of copies, and of what is gone from the mailbox."""
    monkeypatch.setattr(finding, "_FEW", 0)
    add_numbered(alice.pk, 9)
    for raw in MESSAGES:
        add_message(alice.pk, raw)
    with selected(server, alice) as client:
        with without_index():
            scanned = answers(client)
        assert answers(client) == scanned  # nothing is indexed
        Indexer().run(60)
        assert answers(client) == scanned
        for raw in MESSAGES:
            add_message(alice.pk, raw.replace(b"Subject: ", b"Subject: second "))
        client.copy("1:2", "INBOX")
        client.store("4", "+FLAGS", "\\Deleted")
        client.expunge()
        with without_index():
            scanned = answers(client)
        assert answers(client) == scanned
        Indexer().run(60)
        assert answers(client) == scanned


@pytest.mark.django_db(transaction=True)
def test_it_looks_at_few_messages(
    alice: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    scan = texts.scan

    def noted(mailbox_id: int, uids: list[int], leaves: Any) -> object:
        looked_at.extend(uids)
        return scan(mailbox_id, uids, leaves)

    monkeypatch.setattr(texts, "scan", noted)
    add_numbered(alice.pk, 30)
    Indexer().run(60)
    add_message(alice.pk, MESSAGES[0])
    with selected(server, alice) as client:
        for keys in ('BODY "message 7"', 'SUBJECT "message 7"', 'HEADER Subject ""', 'TEXT "<7@"'):
            assert client.search(None, keys)[0] == "OK"
            assert looked_at == [31], keys
            looked_at.clear()
        assert client.search(None, 'BODY "hello" SUBJECT "message 7" TO "alice"') == ("OK", [b"7"])
        assert looked_at == [31]
        looked_at.clear()
        assert client.search(None, 'HEADER Message-ID "<7@"') == ("OK", [b"7"])
        assert client.search(None, 'HEADER Message-ID "7@example"') == ("OK", [b"7 17 27"])
        # What begins so is known, and what says it elsewhere is looked at.
        assert looked_at == [31, 7, 17, 27, 31]


@pytest.mark.django_db(transaction=True)
def test_it_asks_for_the_mail_of_the_owner(alice: User, bob: User, server: RunningServer) -> None:
    """What another user has is not found, whoever else got the same words."""
    add_numbered(alice.pk, 30)
    add_numbered(bob.pk, 40)
    Indexer().run(60)
    with selected(server, alice) as client:
        assert client.search(None, 'BODY "message 7"') == ("OK", [b"7"])
        assert client.search(None, 'BODY "message 33"') == ("OK", [b""])
    with selected(server, bob) as client:
        assert client.search(None, 'BODY "message 33"') == ("OK", [b"33"])


@pytest.mark.django_db(transaction=True)
def test_it_asks_the_index_of_whoever_shares(alice: User, bob: User, server: RunningServer) -> None:
    """An index knows mail by its owner; the right to read is asked of the mailbox."""
    add_numbered(alice.pk, 30)
    add_numbered(alice.pk, 30, "Archive")
    Indexer().run(60)
    archive = Mailbox.objects.get(user=alice, name="Archive")
    MailboxRight.objects.create(mailbox=archive, user=bob, rights="lr")
    talk = Talk(server.port, bob.address)
    shared = f'"Other Users/{alice.address}/Archive"'
    assert talk.say(f"EXAMINE {shared}")[1].startswith("OK")
    assert talk.say('SEARCH BODY "message 17"')[0] == ["* SEARCH 17"]
    lines, _ = talk.say(f'ESEARCH IN (mailboxes (INBOX {shared})) BODY "message 17"')
    assert len(lines) == 1
    assert "Archive" in lines[0]
    assert lines[0].endswith("UID ALL 17")
    talk.close()


@pytest.mark.django_db(transaction=True)
def test_it_asks_once_for_many_mailboxes(
    alice: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But anew for one that has changed since they were listed."""
    boxes = ("INBOX", "Archive", "Sent")
    for name in boxes:
        add_numbered(alice.pk, 30, name)
    Indexer().run(60)
    asked: list[tuple[Term, ...]] = []

    def noted(owner_id: int, terms: tuple[Term, ...]) -> Known:
        known = ask(owner_id, terms)
        asked.append(terms)
        if len(asked) == 1:
            add_message(alice.pk, MESSAGES[0], "Sent")
        return known

    monkeypatch.setattr(finding, "ask", noted)
    talk = Talk(server.port, alice.address)
    question = 'ESEARCH IN (personal) RETURN (COUNT) BODY "h"'
    assert [line[-3:] for line in talk.say(question)[0]] == [" 30", " 30", " 31"]
    assert len(asked) == 2
    assert [line[-3:] for line in talk.say(question)[0]] == [" 30", " 30", " 31"]
    assert len(asked) == 3
    talk.close()
