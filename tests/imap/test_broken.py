"""Broken mail through the door: APPEND as it is, FETCH as Dovecot and Cyrus answer.

The messages and what the others say are in tests/mime/broken; tests/mime/test_broken.py has all of
them without a door.
"""

import imaplib
from collections.abc import Iterator

import pytest

from apps.directory.models import User
from tests.conftest import PASSWORD
from tests.mime.broken import compare, record
from tests.mime.broken.messages import WHOLE, all_messages
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(alice: User, server: RunningServer) -> Iterator[imaplib.IMAP4]:
    one = imaplib.IMAP4("127.0.0.1", server.port, timeout=15)
    one.login(alice.address, PASSWORD)
    one.create(record.MAILBOX)
    one.select(record.MAILBOX)
    yield one
    one.logout()


def unexplained(client: imaplib.IMAP4, messages: dict[str, bytes]) -> dict[str, object]:
    """What differs, by message."""
    found: dict[str, object] = {}
    for name, raw in messages.items():
        ours = record.ask(client, name, raw)
        if differing := compare.unexplained(name, compare.mismatches(name, ours)):
            found[name] = differing
    return found


def test_it_answers_as_others_do(client: imaplib.IMAP4) -> None:
    assert unexplained(client, dict(WHOLE)) == {}


@pytest.mark.long
def test_it_answers_as_others_do_for_all(client: imaplib.IMAP4) -> None:
    rest = {name: raw for name, raw in all_messages().items() if name not in WHOLE}
    assert unexplained(client, rest) == {}


def test_it_stores_unix_line_ends_as_those_of_mail(client: imaplib.IMAP4) -> None:
    answer = record.ask(client, "octets: line ends of LF", WHOLE["octets: line ends of LF"])
    assert answer["size"] == 88
    assert answer["BODY[TEXT]"] == "One.\r\nTwo.\r\n"
    assert answer["part octets"] == 12
