"""Names in the three namespaces, and shared mailboxes that nobody signs in to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from apps.directory.models import Domain, Kind, User
from apps.imap.names.naming import Foreign, foreign, is_reserved
from apps.mailstore.models import Mailbox, MailboxRight
from apps.mailstore.services import mailboxes, sharing
from apps.provisioning import services as provisioning
from apps.runtime.glance import glance
from apps.wire.errors import InvalidName
from tests.conftest import PASSWORD
from tests.imap.talk import Talk
from tests.mailstore.making import ORIGIN, box
from tests.support.imap_server import RunningServer

TEAM = "Shared/team@example.test"


@pytest.mark.parametrize(
    ("name", "apart"),
    [
        ("INBOX", None),
        ("Other Users", None),
        ("Shared/Plans", None),
        ("other users/bob@x.test/INBOX", None),
        ("Other Users/bob@x.test", ("Other Users", "bob@x.test", "")),
        ("Other Users/BOB@X.test/inbox/A", ("Other Users", "bob@x.test", "INBOX/A")),
        ("Shared/a%2Fb@x.test/A/B", ("Shared", "a/b@x.test", "A/B")),
        ("Shared/a%252fb@x.test/A", ("Shared", "a%2fb@x.test", "A")),
        ("Shared/a%25%2a@x.test/A", ("Shared", "a%*@x.test", "A")),
        ("Shared/STRASSE@x.test/A", ("Shared", "strasse@x.test", "A")),
        ("Shared/stra\u00dfe@x.test/A", ("Shared", "strasse@x.test", "A")),
        ("Shared/e\u0301@x.test/e\u0301", ("Shared", "\u00e9@x.test", "\u00e9")),
    ],
)
def test_it_takes_names_apart(name: str, apart: tuple[str, str, str] | None) -> None:
    assert foreign(name) == apart


@pytest.mark.parametrize("name", ["a//b", "/a", "a/ b", "a\x07", "a" * 201, "a/" * 20 + "a"])
def test_it_knows_no_mailbox_by_a_name_that_none_has(name: str) -> None:
    with pytest.raises(InvalidName):
        foreign(f"Shared/a@x.test/{name}")


@pytest.mark.parametrize("key", ["bob@x.test", "a/b@x.test", "%@x.test", "%2f*/%25@x.test"])
def test_it_puts_names_together_again(key: str) -> None:
    one = Foreign("Shared", key, "INBOX/A")
    assert foreign(one.whole) == one
    assert one.whole.count("/") == 3


@pytest.mark.parametrize(
    ("name", "reserved"),
    [
        ("Shared", True),
        ("Shared/x", True),
        ("Other Users/x", True),
        ("Shared things", False),
        ("Archive/Shared", False),
        ("shared", False),
    ],
)
def test_it_keeps_the_first_levels_for_others(name: str, reserved: bool) -> None:
    assert is_reserved(name) is reserved


# -- shared mailboxes -----------------------------------------------------------------------------


@contextmanager
def talking(server: RunningServer, user: User) -> Iterator[Talk]:
    talk = Talk(server.port, user.address)
    try:
        yield talk
    finally:
        talk.close()


def give(mailbox: Mailbox, to: str, rights: str) -> None:
    sharing.grant(mailbox_id=mailbox.pk, to=to, rights=rights, origin=ORIGIN)


@pytest.fixture
def team(domain: Domain) -> User:
    return provisioning.add_user("team@example.test", kind=Kind.SHARED)[0]


@pytest.mark.django_db(transaction=True)
def test_it_reaches_a_shared_mailbox_by_grants(
    server: RunningServer, team: User, alice: User, bob: User
) -> None:
    give(box(team), alice.address, "lrswipkxte")
    give(box(team), "anyone", "i")
    with talking(server, alice) as talk, talking(server, bob) as other:
        inbox, level = sorted(talk.say('LIST "" "*@*"')[0])
        assert inbox == f'* LIST (\\HasNoChildren) "/" "{TEAM}/INBOX"'
        assert level == f'* LIST (\\Noselect \\HasChildren) "/" "{TEAM}"'
        assert talk.say(f'CREATE "{TEAM}/Plans"')[1].startswith("OK ")
        assert talk.say(f'CREATE "{TEAM}/INBOX/2026/May"')[1].startswith("OK ")
        lines, _ = talk.say(f'MYRIGHTS "{TEAM}/INBOX/2026"')
        assert lines == [f'* MYRIGHTS "{TEAM}/INBOX/2026" lrswipkxtecd']
        assert talk.say(f'RENAME "{TEAM}/Plans" "{TEAM}/INBOX/Plans"')[1].startswith("OK ")
        assert talk.say(f'DELETE "{TEAM}/INBOX/Plans"')[1].startswith("OK ")
        for line in (f'RENAME "{TEAM}/INBOX" "{TEAM}/Old"', f'RENAME "{TEAM}/INBOX/2026" Mine'):
            assert talk.say(line)[1].startswith("NO [")
        assert talk.say(f'DELETE "{TEAM}/INBOX"')[1] == "NO [CANNOT] INBOX cannot be deleted"
        assert talk.say(f'DELETE "{TEAM}"')[1].startswith("NO [HASCHILDREN]")
        assert talk.say('DELETE "Shared"')[1].startswith("NO [HASCHILDREN]")
        assert other.say('LIST "" "*@*"')[0] == []
        assert other.say('DELETE "Shared"')[1].startswith("NO [NONEXISTENT]")
        assert other.say(f'APPEND "{TEAM}/INBOX" {{6+}}\r\na: b\r\n')[1] == "OK Saved"
        assert other.say(f'EXAMINE "{TEAM}/INBOX"')[1] == "NO [NONEXISTENT] No such mailbox"
        assert talk.say(f'SELECT "{TEAM}/INBOX"')[0].count("* 1 EXISTS") == 1
    made = Mailbox.objects.filter(user=team, deleted_at=None, name__startswith="INBOX/")
    assert sorted(row.name for row in made) == ["INBOX/2026", "INBOX/2026/May"]


@pytest.mark.django_db(transaction=True)
def test_it_names_an_owner_with_a_slash_in_the_address(server: RunningServer, alice: User) -> None:
    owner = provisioning.add_user("a/b%c@example.test", PASSWORD)[0]
    give(box(owner), alice.address, "lr")
    name = "Other Users/a%2Fb%25c@example.test/INBOX"
    with talking(server, alice) as talk:
        told, _ = talk.say('LIST "" "Other Users/%/%"')
        assert [line.rpartition(' "/" ')[2] for line in told] == [f'"{name}"']
        assert talk.say(f'EXAMINE "{name}"')[1].startswith("OK [READ-ONLY]")
        assert talk.say('EXAMINE "Other Users/a/b%c@example.test/INBOX"')[1].startswith("NO [")


@pytest.mark.django_db(transaction=True)
def test_it_leaves_own_mailboxes_that_were_named_so_alone(
    server: RunningServer, alice: User
) -> None:
    for name in ("Shared", "Shared/Plans"):
        mailboxes.create(user_id=alice.pk, name=name)
    with talking(server, alice) as talk:
        assert talk.say("SELECT Shared/Plans")[1].startswith("OK [READ-WRITE]")
        assert talk.say("SELECT Shared")[1].startswith("OK [READ-WRITE]")
        assert talk.say("RENAME Shared/Plans Plans")[1].startswith("OK ")
        assert talk.say("RENAME Plans Shared/Plans")[1].startswith("NO [CANNOT]")


@pytest.mark.django_db(transaction=True)
def test_it_shares_nothing_across_organisations(server: RunningServer, alice: User) -> None:
    provisioning.add_domain("other.test", organization="Others")
    eve = provisioning.add_user("eve@other.test", PASSWORD)[0]
    MailboxRight.objects.create(mailbox=box(alice), user=eve, rights="lrswipkxtea")
    MailboxRight.objects.create(mailbox=box(alice, "Sent"), user=None, rights="lrswipkxtea")
    with talking(server, eve) as talk:
        assert talk.say('LIST "" "*@*"')[0] == []
        for name in ("INBOX", "Sent", "Nowhere"):
            there = f'"Other Users/alice@example.test/{name}"'
            for line in (f"SELECT {there}", f"GETACL {there}", f"MYRIGHTS {there}"):
                assert talk.say(line) == ([], "NO [NONEXISTENT] No such mailbox")
        assert talk.say("SETACL INBOX alice@example.test lr")[1] == (
            "NO [NONEXISTENT] There is no such user"
        )


@pytest.mark.django_db(transaction=True)
def test_it_reads_rights_with_the_name_in_one_query(
    server: RunningServer, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not at all for one's own mailbox."""
    give(box(bob), alice.address, "lr")
    asked: list[str] = []

    async def noted(function: Callable[..., Any], *args: Any) -> Any:
        asked.append(function.__name__)
        return await glance(function, *args)

    monkeypatch.setattr("apps.imap.names.naming.glance", noted)
    with talking(server, alice) as talk:
        talk.say("SELECT INBOX")
        talk.say("NOOP")
        assert asked == ["mailbox_named"]
        talk.say('SELECT "Other Users/bob@example.test/INBOX"')
        assert asked[1:] == ["shared_named"]
        talk.say("FETCH 1 FLAGS")
        assert asked[2:] == ["rights_in"]
