"""Searches of a mailbox in which something cannot be read: it is left out, the rest is found."""

import logging
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings

from apps.blobs.backends.files import Files
from apps.blobs.models import Blob
from apps.directory.models import User
from apps.imap.search import finding
from apps.mailstore.models import Entry, Message
from apps.runtime.seldom import Once
from apps.search import damage
from apps.search.indexing import Indexer
from apps.wire.errors import StorageUnavailable
from tests.imap.conftest import add_message
from tests.imap.talk import Talk
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = random.Random(1).randbytes(200_000).hex().encode()
LONG = b"".join(b"X-Line: %b\r\n" % LARGE[at : at + 900] for at in range(0, 300_000, 900))


@pytest.fixture(params=["scanned", "indexed"])
def client(
    request: pytest.FixtureRequest,
    alice: User,
    server: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Talk]:
    """Of five messages the first and the last are whole; the others lie in the store beside the
    database, the fourth with its header."""
    monkeypatch.setattr(finding, "_FEW", 0)
    for body in (b"Lunch at noon", *[b"Lunch " + LARGE] * 2):
        add_message(alice.pk, b"Subject: Plain\r\nX-Tag: one\r\n\r\n" + body)
    add_message(alice.pk, b"Subject: Long\r\n" + LONG + b"X-Tag: one\r\n\r\nLunch " + LARGE)
    add_message(alice.pk, b"Subject: Last\r\nX-Tag: two\r\n\r\nLunch at noon")
    with closing(Talk(server.port, alice.address)) as one:
        one.say("SELECT INBOX")
        break_them()
        if request.param == "indexed":
            Indexer().run(60)
        yield one


def break_them() -> None:
    """The object of the second is gone, the parts of the third are none, the fourth is cut."""
    second, third, fourth = Entry.objects.filter(uid__in=(2, 3, 4)).order_by("uid")
    object_of(second).unlink()
    Message.objects.filter(pk=third.message_id).update(parts=b"no parts")
    path = object_of(fourth)
    path.write_bytes(path.read_bytes()[:10])


def object_of(entry: Entry) -> Path:
    key = Blob.objects.get(pk=entry.message.blob_id).key
    (path,) = (settings.MAILHOST_DATA / "blobs").rglob(key)
    return path


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('BODY "lunch"', "1 5"),
        ('TEXT "lunch"', "1 5"),
        ('TEXT "plain"', "1 2 3"),  # it stands in what can be read
        ('HEADER X-Tag "one"', "1 2 3"),
        ('NOT HEADER X-Tag "two"', "1 2 3"),
        ('HEADER Subject "l"', "1 2 3 5"),
        ('NOT BODY "dinner"', "1 5"),  # nobody knows whether it stands in the others
        ('OR BODY "lunch" SUBJECT "plain"', "1 2 3 5"),
        ('FUZZY BODY "lunch noon"', "1 5"),
        ('BODY "lunch" SUBJECT "last"', "5"),
    ],
)
def test_it_finds_the_rest(client: Talk, keys: str, expected: str) -> None:
    lines, answer = client.say(f"SEARCH {keys}")
    assert answer.startswith("OK"), answer
    assert lines == [f"* SEARCH {expected}"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("SORT (SIZE) UTF-8 BODY lunch", "* SORT 5 1"),
        ("SORT (SUBJECT) UTF-8 ALL", "* SORT 5 4 1 2 3"),
        ("SORT (RELEVANCY) UTF-8 FUZZY BODY lunch", "* SORT 1 5"),
        ("THREAD ORDEREDSUBJECT UTF-8 BODY lunch", "* THREAD (1)(5)"),
        ("THREAD REFS UTF-8 ALL", "* THREAD (1)(2)(3)(4)(5)"),
        ("UID SEARCH RETURN (COUNT) BODY lunch", "COUNT 2"),
    ],
)
def test_it_sorts_and_threads_the_rest(client: Talk, command: str, expected: str) -> None:
    lines, answer = client.say(command)
    assert answer.startswith("OK"), answer
    assert lines[-1].endswith(expected)


def test_it_tells_of_each_once(
    client: Talk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(damage, "_once", Once(damage.logger))
    with caplog.at_level(logging.WARNING, damage.logger.name):
        for _ in range(2):
            client.say('SEARCH BODY "lunch" NOT TEXT "supper"')
    told = [one for one in caplog.records if one.name == damage.logger.name]
    damaged = Entry.objects.filter(uid__in=(2, 3, 4)).values_list("message_id", flat=True)
    assert sorted(vars(one)["mail"] for one in told) == sorted(damaged)
    assert not any("lunch" in str(vars(one)).casefold() for one in told)


def test_it_pretends_nothing_while_the_store_is_away(
    client: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bytes:
        raise StorageUnavailable("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(Files, "read", away)
        for command in ("SEARCH BODY lunch", "SORT (ARRIVAL) UTF-8 TEXT lunch"):
            lines, answer = client.say(command)
            assert lines == []
            assert answer.startswith("NO [UNAVAILABLE]")
    assert client.say("SEARCH BODY lunch")[0] == ["* SEARCH 1 5"]


def test_a_store_that_is_not_there_is_away(client: Talk) -> None:
    """A disk that is not mounted is no damage of every message on it."""
    folder = settings.MAILHOST_DATA / "blobs"
    folder.rename(folder.with_name("unmounted"))
    try:
        assert client.say("SEARCH BODY lunch")[1].startswith("NO [UNAVAILABLE]")
        folder.mkdir()  # where it would be mounted
        assert client.say("SEARCH BODY lunch")[1].startswith("NO [UNAVAILABLE]")
        folder.rmdir()
    finally:
        folder.with_name("unmounted").rename(folder)
    assert client.say("SEARCH BODY lunch")[0] == ["* SEARCH 1 5"]
