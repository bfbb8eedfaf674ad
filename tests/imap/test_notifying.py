"""NOTIFY where dialogues do not reach: events that get lost, floods, too much, the end."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing

import pytest

from apps.directory.models import User
from apps.events import bus
from apps.events.types import Event
from apps.imap.news import notifying
from apps.mailstore import queries
from apps.mailstore.origin import Origin
from apps.mailstore.services import mailboxes
from tests.imap.conftest import add_numbered
from tests.imap.test_server import answer, signed_in
from tests.support.dialogue import Client
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = "MessageNew MessageExpunge"


def lines_until(client: Client, pattern: str) -> list[str]:
    """Return the lines up to the first that matches, which must come."""
    found: list[str] = []
    while not (found and re.fullmatch(pattern, found[-1])):
        found.append(client.line())
        assert found[-1] not in {"(silence)", "(closed)"}, found
    return found


Watch = Callable[[str], Client]


@pytest.fixture
def watching(alice: User, server: RunningServer) -> Iterator[Watch]:
    """Makes clients that gave NOTIFY SET."""
    with ExitStack() as stack:

        def watch(groups: str) -> Client:
            client = stack.enter_context(closing(signed_in(server)))
            assert answer(client, f"NOTIFY SET {groups}")[-1].startswith("x OK")
            return client

        yield watch


def dropped(_events: Sequence[object]) -> None:
    """Takes events to nobody."""


def test_it_heals_what_a_lost_event_would_have_told(
    alice: User, watching: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the selected mailbox, of others and of names, without anything the client does."""
    monkeypatch.setattr(notifying, "LOOK_AGAIN", 0.2)
    client = watching(f"(SELECTED ({BOTH})) (PERSONAL ({BOTH} MailboxName))")
    answer(client, "SELECT INBOX")
    monkeypatch.setattr(bus._bus(), "send", dropped)
    add_numbered(alice.pk, 2)
    add_numbered(alice.pk, 2, "Archive")
    mailboxes.create(user_id=alice.pk, name="New")
    expected = {
        r"\* 2 EXISTS",
        r'\* STATUS "Archive" \(UIDVALIDITY \d+ UIDNEXT 3 MESSAGES 2\)',
        r'\* LIST \(\\HasNoChildren\) "/" "New"',
    }
    while expected:
        line = client.line()
        assert line != "(silence)", expected
        expected = {one for one in expected if not re.fullmatch(one, line)}


def test_it_tells_a_flood_in_lumps(
    alice: User, watching: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than a busy machine takes to put one message there: else each is a lump of its own.
    monkeypatch.setattr(notifying, "PAUSE", 0.5)
    client = watching(f"(MAILBOXES Archive ({BOTH}))")
    add_numbered(alice.pk, 28, "Archive")
    add_numbered(alice.pk, 28, "Archive")
    lines = lines_until(client, r".* UIDNEXT 57 MESSAGES 56\)")
    assert len(lines) < 50


def test_it_asks_once_for_all_that_changed(
    alice: User, watching: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = queries.status

    def counted(ids: Sequence[int]) -> dict[int, queries.Counters]:
        asked.append(len(ids))
        return real(ids)

    names = [f"m{number}" for number in range(20)]
    for name in names:
        mailboxes.create(user_id=alice.pk, name=name)
    client = watching(f"(PERSONAL ({BOTH}))")
    monkeypatch.setattr(queries, "status", counted)
    told: list[Event] = []
    with monkeypatch.context() as patch:
        patch.setattr(bus._bus(), "send", told.extend)
        for name in names:
            add_numbered(alice.pk, 1, name)
    bus.publish(*told)
    assert {client.line().split()[2] for _ in names} == {f'"{name}"' for name in names}
    assert asked == [20]


def test_it_refuses_to_watch_too_many(
    alice: User, watching: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was asked for before goes on (section 3.1)."""
    monkeypatch.setattr(notifying, "WATCHED_MAX", 3)
    client = watching("(MAILBOXES (Archive Junk) (MailboxName))")
    refused = answer(client, f"NOTIFY SET (PERSONAL ({BOTH}))")
    assert refused[-1].startswith("x NO [NOTIFICATIONOVERFLOW]")
    mailboxes.delete(user_id=alice.pk, name="Junk", origin=Origin("test", alice.pk))
    assert client.line() == '* LIST (\\NonExistent \\Subscribed) "/" "Junk"'


def test_it_ends_when_there_are_too_many(
    alice: User, server: RunningServer, watching: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 5.8: as if NOTIFY NONE had been given."""
    monkeypatch.setattr(notifying, "WATCHED_MAX", 2)
    mailboxes.create(user_id=alice.pk, name="a")
    client = watching(f"(SUBTREE a ({BOTH} MailboxName)) (SELECTED ({BOTH}))")
    mailboxes.create(user_id=alice.pk, name="a/b")
    assert client.line().startswith('* LIST (\\HasNoChildren) "/" "a/b"')
    assert client.line().startswith('* LIST (\\HasChildren) "/" "a"')
    mailboxes.create(user_id=alice.pk, name="a/c")
    assert client.line().startswith("* OK [NOTIFICATIONOVERFLOW] ")
    answer(client, "SELECT INBOX")
    add_numbered(alice.pk, 1)
    assert answer(client, "NOOP") == ["x OK Nothing done"]
    assert not server.service.mirrors.listeners


@pytest.mark.parametrize("last", ["LOGOUT", "NOTIFY NONE", "UNAUTHENTICATE"])
def test_it_leaves_nothing_behind(watching: Watch, server: RunningServer, last: str) -> None:
    events = f"{BOTH} MailboxName MailboxMetadataChange"
    client = watching(f"(PERSONAL ({events})) (SELECTED ({BOTH}))")
    answer(client, "SELECT INBOX")
    mirrors = server.service.mirrors
    assert mirrors.listeners
    answer(client, last)
    if last == "LOGOUT":
        assert client.line() == "(closed)"
    assert not mirrors.listeners


def test_it_tells_that_a_name_is_another_mailbox_now(alice: User, watching: Watch) -> None:
    """Section 5.1: its UIDVALIDITY, however long after."""
    mailboxes.create(user_id=alice.pk, name="a")
    client = watching(f"(MAILBOXES a ({BOTH} MailboxName))")
    mailboxes.delete(user_id=alice.pk, name="a", origin=Origin("test", alice.pk))
    assert client.line() == '* LIST (\\NonExistent) "/" "a"'
    mailboxes.create(user_id=alice.pk, name="a")
    assert client.line() == '* LIST (\\HasNoChildren) "/" "a"'
    assert re.fullmatch(r'\* STATUS "a" \(UIDVALIDITY \d+ UIDNEXT 1 MESSAGES 0\)', client.line())
