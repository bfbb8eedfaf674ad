"""LIST asks the database as often for ten thousand mailboxes as for one."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.imap.handlers.listing import Lister
from apps.imap.names import annotating
from apps.imap.names.naming import ManyError
from apps.imap.proto.names import parse_list
from apps.imap.proto.scanner import Scanner
from apps.mailstore.models import Annotation, Mailbox, MailboxRight, MailboxState
from apps.runtime.glance import ask_database
from apps.wire.lines import RawCommand
from tests.imap.conftest import add_numbered

EVERYTHING = (
    b'LIST (SUBSCRIBED RECURSIVEMATCH) "" * RETURN (CHILDREN MYRIGHTS METADATA (/shared/comment)'
    b" STATUS (MESSAGES RECENT DELETED DELETED-STORAGE SIZE MAILBOXID APPENDLIMIT UNSEEN))",
    b'LIST "" (% box* Other*) RETURN (SUBSCRIBED STATUS (MESSAGES RECENT DELETED) MYRIGHTS'
    b" METADATA (/private/comment /private/specialuse))",
)


def make(user: User, count: int, prefix: str) -> list[Mailbox]:
    made = Mailbox.objects.bulk_create(
        Mailbox(user=user, name=f"{prefix}/{number}", uidvalidity=number, created_at=0)
        for number in range(1, count + 1)
    )
    MailboxState.objects.bulk_create(MailboxState(mailbox=box) for box in made)
    Annotation.objects.bulk_create(
        Annotation(user=user, mailbox=box, entry="/shared/comment", value=b"x") for box in made
    )
    return made


def lister(user: User, line: bytes) -> Lister:
    scanner = Scanner(RawCommand((line,)))
    scanner.expect(b"LIST")
    return Lister(parse_list(scanner), user.pk, 1_000, utf8=False, extended=True)


def asked(user: User) -> tuple[list[int], bytes]:
    """The number of queries of each LIST, and the last answer."""
    counts = []
    for line in EVERYTHING:
        with CaptureQueriesContext(connection) as captured:
            answer = lister(user, line).answer(ask_database)
        counts.append(len(captured))
    return counts, answer


@pytest.mark.django_db
def test_it_asks_as_often_for_many_mailboxes_as_for_few(alice: User, bob: User) -> None:
    def share(boxes: list[Mailbox]) -> None:
        MailboxRight.objects.bulk_create(
            MailboxRight(mailbox=box, user=alice, rights="lr") for box in boxes
        )

    add_numbered(alice.pk, 2)
    make(alice, 1, "box")
    share(make(bob, 1, "few"))
    few, _ = asked(alice)
    make(alice, 500, "boxes")
    share(make(bob, 50, "many"))
    many, answer = asked(alice)
    assert many == few
    assert answer.count(b"* STATUS ") == answer.count(b"* MYRIGHTS ") == 6 + 501 + 51
    assert answer.count(b"* METADATA ") == 6 + 501 + 51
    assert max(many) <= 8


@pytest.mark.django_db
def test_it_bounds_what_values_one_list_tells(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9590 section 3: METADATA may be left out, LIST may not."""
    make(alice, 9, "box")
    monkeypatch.setattr(annotating, "VALUES_MAX", 5)
    line = b'LIST "" box/* RETURN (METADATA (/shared/comment))'
    answer = lister(alice, line).answer(ask_database)
    assert (answer.count(b"* LIST "), answer.count(b"* METADATA ")) == (9, 5)


@pytest.mark.django_db
def test_it_matches_names_however_their_letters_are_put_together(alice: User) -> None:
    """RFC 9051 section 5.1: names are kept in form C, and may be asked for in others."""
    make(alice, 1, "B\u00fcro")
    one = lister(alice, 'LIST "" "Bu\u0308%/*"'.encode())
    answer = replace(one, utf8=True).answer(ask_database)
    assert answer == '* LIST (\\HasNoChildren) "/" "B\u00fcro/1"\r\n'.encode()


SHORT = b'LIST "" * RETURN (SUBSCRIBED STATUS (MESSAGES UNSEEN))'


@pytest.mark.django_db
def test_it_answers_at_once_only_what_is_short(alice: User, bob: User) -> None:
    one = lister(alice, SHORT)
    whole = one.answer(ask_database)
    assert one.answer(ask_database, 7) == whole
    with pytest.raises(ManyError):
        one.answer(ask_database, 6)
    shared = make(bob, 4, "box")
    MailboxRight.objects.bulk_create(
        MailboxRight(mailbox=box, user=alice, rights="lr") for box in shared
    )
    with pytest.raises(ManyError):
        one.answer(ask_database, 8)
    assert one.answer(ask_database, 10).count(b"* STATUS ") == 10


@pytest.mark.parametrize(
    ("line", "is_short"),
    [
        (SHORT, True),
        (b'LIST "" (INBOX Sent)', True),
        (b'LIST "" * RETURN (STATUS (RECENT))', False),
        (b'LIST "" * RETURN (STATUS (DELETED))', False),
        (b'LIST "" * RETURN (METADATA (/shared/comment))', False),
        (b'LIST "" *' + b"%x" * 40, False),
        (b'LIST "%s" (%% a%% b%%)' % (b"x" * 30), False),
    ],
)
def test_it_knows_what_is_short(line: bytes, is_short: bool) -> None:
    scanner = Scanner(RawCommand((line,)))
    scanner.expect(b"LIST")
    one = Lister(parse_list(scanner), 1, 1_000, utf8=False, extended=True)
    assert one.is_short is is_short
