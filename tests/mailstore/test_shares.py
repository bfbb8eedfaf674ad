"""What others have shared with a user: one query, never beyond the organisation."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import Domain, Kind, User
from apps.mailstore import queries, shares
from apps.mailstore.models import Mailbox, MailboxRight
from apps.mailstore.services import mailboxes
from apps.provisioning import services as provisioning
from apps.runtime.glance import ask_database
from apps.wire.errors import NotFound
from tests.conftest import PASSWORD
from tests.mailstore.making import ORIGIN, box
from tests.support.reading import Reading, analyze

pytestmark = pytest.mark.django_db


def give(mailbox: Mailbox, user: User | None, rights: str) -> None:
    MailboxRight.objects.create(mailbox=mailbox, user=user, rights=rights)


def seen(user: User) -> list[tuple[str, str, str]]:
    return [
        (one.owner_key, one.row.name, "".join(sorted(one.rights)))
        for one in shares.shared_with(user.pk)
    ]


def test_it_finds_what_was_given_to_one_and_to_anyone(
    inbox: Mailbox, archive: Mailbox, bobs_inbox: Mailbox, alice: User, bob: User
) -> None:
    give(inbox, bob, "lr")
    give(inbox, None, "rs")
    give(archive, None, "l")
    give(bobs_inbox, None, "l")
    assert seen(bob) == [
        ("alice@example.test", "Archive", "l"),
        ("alice@example.test", "INBOX", "lrs"),
    ]
    assert seen(alice) == [("bob@example.test", "INBOX", "l")]
    own = {row.id: row for row in queries.mailboxes(alice.pk)}
    assert [one.row for one in shares.shared_with(bob.pk)] == [own[archive.pk], own[inbox.pk]]


def test_it_finds_one_by_its_name(inbox: Mailbox, bob: User) -> None:
    give(inbox, bob, "lr")
    found = shares.shared_named(ask_database, bob.pk, "alice@example.test", "INBOX")
    assert found == shares.shared_with(bob.pk)[0]
    other = shares.shared_named(ask_database, bob.pk, "alice@example.test", "Archive")
    assert other is not None
    assert not other.rights
    for owner, name in (("alice@example.test", "Nowhere"), ("bob@example.test", "INBOX")):
        assert shares.shared_named(ask_database, bob.pk, owner, name) is None


def test_it_tells_the_rights_as_they_are_now(inbox: Mailbox, archive: Mailbox, bob: User) -> None:
    give(inbox, bob, "lr")
    give(inbox, None, "s")
    assert shares.rights_in(ask_database, bob.pk, inbox.pk) == frozenset("lrs")
    assert shares.rights_in(ask_database, bob.pk, archive.pk) == frozenset()
    give(archive, bob, "lr")
    mailboxes.delete(user_id=archive.user_id, name="Archive", origin=ORIGIN)
    assert shares.rights_in(ask_database, bob.pk, archive.pk) == frozenset()
    assert seen(bob) == [("alice@example.test", "INBOX", "lrs")]


def test_it_shares_between_domains_of_one_organisation(inbox: Mailbox, eve: User) -> None:
    give(inbox, None, "lr")
    assert seen(eve) == [("alice@example.test", "INBOX", "lr")]


@pytest.mark.parametrize("to_anyone", [True, False])
def test_it_shares_nothing_with_another_organisation(inbox: Mailbox, to_anyone: bool) -> None:
    """Not even by a row that is there."""
    provisioning.add_domain("other.test", organization="Others")
    eve = provisioning.add_user("eve@other.test", PASSWORD)[0]
    give(inbox, None if to_anyone else eve, "lrswipkxtea")
    assert seen(eve) == []
    assert shares.shared_named(ask_database, eve.pk, "alice@example.test", "INBOX") is None
    assert shares.rights_in(ask_database, eve.pk, inbox.pk) == frozenset()


@pytest.mark.parametrize("to_anyone", [True, False])
def test_it_keeps_those_of_no_organisation_to_themselves(
    inbox: Mailbox, alice: User, to_anyone: bool
) -> None:
    """Operators whose address is not hosted here."""
    one, other = (
        provisioning.create_operator(f"{name}@elsewhere.example", PASSWORD)[0]
        for name in ("ann", "ben")
    )
    give(box(one), None if to_anyone else other, "lr")
    give(inbox, None if to_anyone else other, "lr")
    assert seen(other) == [("ann@elsewhere.example", "INBOX", "lr")]
    give(box(one, "Sent"), None if to_anyone else alice, "lr")
    assert seen(alice) == []


def test_it_shares_nothing_of_or_with_who_was_removed(
    inbox: Mailbox, bobs_inbox: Mailbox, alice: User, bob: User
) -> None:
    """And all again when the user is restored."""
    operator = provisioning.create_operator("ann@elsewhere.example", PASSWORD)[0]
    give(bobs_inbox, alice, "lr")
    give(bobs_inbox, operator, "lr")  # of no organisation, as a tombstone is
    give(inbox, bob, "lr")
    provisioning.remove_user(bob.address)
    assert seen(alice) == seen(operator) == []
    assert shares.rights_in(ask_database, alice.pk, bobs_inbox.pk) == frozenset()
    assert shares.rights_in(ask_database, operator.pk, bobs_inbox.pk) == frozenset()
    assert shares.grants(inbox.pk) == []
    provisioning.restore_user(bob.address)
    assert seen(alice) == [("bob@example.test", "INBOX", "lr")]
    assert shares.grants(inbox.pk) == [("bob@example.test", "lr")]


def test_it_puts_shared_mailboxes_behind_people(domain: Domain, bob: User) -> None:
    team = provisioning.add_user("team@example.test", kind=Kind.SHARED)[0]
    zoe = provisioning.add_user("zoe@example.test", PASSWORD)[0]
    give(box(team), bob, "lr")
    give(box(zoe), bob, "lr")
    found = shares.shared_with(bob.pk)
    assert [(one.owner_key, one.is_account) for one in found] == [
        ("zoe@example.test", False),
        ("team@example.test", True),
    ]


def test_it_asks_once_however_much_is_shared(alice: User, bob: User) -> None:
    for count in (1, 20):
        for number in range(count):
            give(mailboxes.create(user_id=alice.pk, name=f"Box {count} {number}"), bob, "lr")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            shares.shared_with(bob.pk)
        assert len(asked) == 1
    assert len(shares.shared_with(bob.pk)) == 21


@pytest.mark.parametrize("is_shared", [False, True], ids=["nothing shared", "something shared"])
def test_it_reads_no_others_users(
    domain: Domain, archive: Mailbox, bob: User, is_shared: bool
) -> None:
    """Every page of the web asks, on an installation where hardly anybody shares anything."""
    User.objects.bulk_create(
        User(key=f"u{number}@example.test", address=f"u{number}@example.test", domain=domain)
        for number in range(3_000)
    )
    if is_shared:
        give(archive, None, "lr")
    analyze()
    reading = Reading(("directory_user", "mailstore_mailboxright"))
    with connection.execute_wrapper(reading):
        assert len(shares.shared_with(bob.pk)) == is_shared
    assert len(reading.found) == 1
    assert reading.beyond(100) == []


def test_it_lists_the_entries_of_a_mailbox(inbox: Mailbox, bob: User) -> None:
    give(inbox, None, "l")
    give(inbox, bob, "lr")
    assert shares.grants(inbox.pk) == [("bob@example.test", "lr"), (None, "l")]


def test_it_knows_the_address_of_an_owner(alice: User) -> None:
    assert shares.owner_key(alice.pk) == "alice@example.test"
    with pytest.raises(NotFound):
        shares.owner_key(alice.pk + 1_000)
