"""The command share as people and programs use it."""

import pytest

from apps.directory.models import Kind, User
from apps.mailstore.models import Mailbox, MailboxRight
from apps.mailstore.services import mailboxes
from apps.provisioning import services as provisioning
from tests.mailstore.making import ORIGIN
from tests.provisioning.management.running import run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]

ALICE, BOB, TEAM = "alice@example.test", "bob@example.test", "team@example.test"


@pytest.fixture
def team(alice: User) -> User:
    return provisioning.add_user(TEAM, kind=Kind.SHARED)[0]


def rights(mailbox: str) -> dict[str, str]:
    rows = MailboxRight.objects.filter(mailbox__name=mailbox).select_related("user")
    return {"anyone" if row.user is None else row.user.key: row.rights for row in rows}


def test_it_gives_rights_in_all_mailboxes_of_an_account(team: User) -> None:
    done = run("share", "grant", TEAM, "Alice@example.test", "lrsd")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{ALICE} has lrste in 6 mailboxes of {TEAM}.\n"
    assert MailboxRight.objects.filter(mailbox__user=team).count() == 6
    assert rights("Sent") == {ALICE: "lrste"}
    mailboxes.create(user_id=team.pk, name="INBOX/Later")
    assert rights("INBOX/Later") == {ALICE: "lrste"}


def test_it_gives_exactly_these_rights_in_one_mailbox(alice: User, bob: User) -> None:
    assert run("share", "grant", ALICE, BOB, "lrswi", "--mailbox", "Archive").code == 0
    done = run("share", "grant", ALICE, BOB, "rl", "--mailbox", "Archive", "--json")
    row = {"owner": ALICE, "mailbox": "Archive", "user": BOB, "rights": "lr"}
    assert done.json == {"shares": [row]}
    assert MailboxRight.objects.count() == 1
    done = run("share", "grant", ALICE, "anyone", "l", "--mailbox", "inbox")
    assert done.out == f"anyone has l in 1 mailbox of {ALICE}.\n"


def test_it_takes_rights_back(alice: User, bob: User) -> None:
    run("share", "grant", ALICE, BOB, "lr")
    run("share", "grant", ALICE, "anyone", "l", "--mailbox", "Archive")
    done = run("share", "revoke", ALICE, BOB, "--mailbox", "Archive", "--json")
    row = {"owner": ALICE, "mailbox": "Archive", "user": BOB, "rights": "lr"}
    assert done.json == {"shares": [row]}
    assert rights("Archive") == {"anyone": "l"}
    done = run("share", "revoke", ALICE, BOB)
    assert done.out == f"{BOB} had rights in 5 mailboxes of {ALICE}, now in none.\n"
    assert MailboxRight.objects.count() == 1
    assert run("share", "revoke", ALICE, BOB).code == 0


def test_it_lists_rights(alice: User, bob: User, team: User) -> None:
    run("share", "grant", TEAM, BOB, "lrs", "--mailbox", "INBOX")
    run("share", "grant", ALICE, "anyone", "l", "--mailbox", "Sent")
    run("share", "grant", ALICE, BOB, "lr", "--mailbox", "Sent")
    lines = [
        f"{ALICE}\tSent\t{BOB}\tlr\n",
        f"{ALICE}\tSent\tanyone\tl\n",
        f"{TEAM}\tINBOX\t{BOB}\tlrs\n",
    ]
    assert run("share", "list").out == "".join(lines)
    assert run("share", "list", "--owner", TEAM).out == lines[2]
    assert run("share", "list", "--user", BOB).out == lines[0] + lines[2]
    assert run("share", "list", "--user", "anyone").out == lines[1]
    assert run("share", "list", "--user", "anyone", "--json").json == [
        {"owner": ALICE, "mailbox": "Sent", "user": "anyone", "rights": "l"}
    ]
    provisioning.remove_user(BOB)
    assert run("share", "list").out == lines[1]
    mailboxes.delete_all(user_id=team.pk, origin=ORIGIN)
    assert run("share", "list", "--owner", TEAM, "--json").json == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("grant", "nobody@example.test", BOB, "lr"), "There is no user nobody@example.test"),
        (("grant", ALICE, "nobody@example.test", "lr"), "There is no such user"),
        (("grant", ALICE, ALICE, "lr"), "The owner of a mailbox has all rights"),
        (("grant", ALICE, TEAM, "lr"), "Rights are given to people, or to anyone"),
        (("grant", ALICE, BOB, "lrz"), "Rights are letters of lrswipkxtea"),
        (("grant", ALICE, BOB, ""), "Rights are letters of lrswipkxtea"),
        (("grant", ALICE, BOB, "lr", "--mailbox", "None"), "No such mailbox"),
        (("revoke", ALICE, "nobody@example.test"), "There is no user nobody@example.test"),
        (("list", "--owner", "nobody@example.test"), "There is no user nobody@example.test"),
        (("list", "--user", "nobody"), "Not an address: address has no domain"),
    ],
)
def test_it_refuses_with_a_sentence(
    alice: User, bob: User, team: User, words: tuple[str, ...], told: str
) -> None:
    done = run("share", *words)
    assert (done.code, done.out) == (1, "")
    assert told in done.err
    assert not MailboxRight.objects.exists()


@pytest.mark.parametrize("words", [(), ("grant", ALICE, BOB), ("revoke", ALICE), ("take", ALICE)])
def test_it_says_how_it_is_used(words: tuple[str, ...]) -> None:
    assert run("share", *words).code == 2


def test_it_gives_in_all_mailboxes_or_in_none(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Mailbox.objects.filter(user=alice, name="Trash").update(name="Zzz")
    given = run("share", "grant", ALICE, BOB, "lr", "--mailbox", "Zzz")
    assert given.code == 0
    monkeypatch.setattr("apps.mailstore.services.sharing.GRANTS_MAX", 1)
    done = run("share", "grant", ALICE, "anyone", "lr")
    assert done.code == 1
    assert "At most 1 have rights in it" in done.err
    assert MailboxRight.objects.count() == 1
