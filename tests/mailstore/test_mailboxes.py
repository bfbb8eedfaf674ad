"""Mailboxes: defaults, names, renaming with children, INBOX's rules, soft deletion."""

import pytest

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import Entry, Mailbox, MailboxState, SpecialUse, Usage
from apps.mailstore.services import mailboxes
from apps.mailstore.services.mailboxes import (
    create,
    delete,
    normal,
    rename,
    subscribe,
    unsubscribe,
)
from apps.wire.errors import AlreadyExists, InvalidName, LimitReached, NotFound, NotPermitted
from tests.mailstore.making import ORIGIN, assert_counters_are_exact, box, filled

pytestmark = pytest.mark.django_db


def names(user: User) -> list[str]:
    return [row.name for row in queries.mailboxes(user.pk)]


DEFAULTS = ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]


def test_it_makes_the_defaults_with_their_roles(alice: User) -> None:
    rows = queries.mailboxes(alice.pk)
    assert [row.name for row in rows] == DEFAULTS
    assert [row.special_use for row in rows] == [name.lower() for name in DEFAULTS]
    assert len({row.counters.uidvalidity for row in rows}) == len(rows)
    assert all(row.counters.uidnext == 1 for row in rows)
    assert queries.subscriptions(alice.pk) == sorted(DEFAULTS)
    assert queries.usage(alice.pk)[:3] == (0, 0, 0)


def test_it_makes_a_mailbox_and_those_above_it(alice: User) -> None:
    create(user_id=alice.pk, name="Work/2026/Trips/")
    assert names(alice) == sorted(
        [*DEFAULTS, "Work", "Work/2026", "Work/2026/Trips"], key=lambda n: (n != "INBOX", n)
    )
    with pytest.raises(AlreadyExists):
        create(user_id=alice.pk, name="Work/2026")
    create(user_id=alice.pk, name="work")


def test_it_keeps_users_apart(alice: User, bob: User) -> None:
    create(user_id=alice.pk, name="Mine")
    assert "Mine" not in names(bob)
    with pytest.raises(NotFound):
        delete(user_id=bob.pk, name="Mine", origin=ORIGIN)


def test_it_gives_a_role_once(alice: User) -> None:
    """RFC 6154 section 3: to the newer one."""
    made = create(user_id=alice.pk, name="More junk", special_use=SpecialUse.JUNK)
    assert queries.boxes([alice.pk], SpecialUse.JUNK) == {alice.pk: made.pk}
    with pytest.raises(AlreadyExists):
        create(user_id=alice.pk, name="Trash", special_use=SpecialUse.SENT)
    assert queries.boxes([alice.pk], SpecialUse.SENT) == {alice.pk: box(alice, "Sent").pk}


def test_it_never_gives_a_uidvalidity_again(alice: User) -> None:
    first = create(user_id=alice.pk, name="Once").uidvalidity
    delete(user_id=alice.pk, name="Once", origin=ORIGIN)
    assert create(user_id=alice.pk, name="Once").uidvalidity > first


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a//b",
        "/a",
        " a",
        "a ",
        "a/ b",
        "a\x00",
        "a\nb",
        "\ud800",
        "a\u202e/\u202d",
        "x" * 201,
        "/".join("a" * 21),
        "/".join(["x" * 99] * 6),
    ],
)
def test_it_refuses_names_that_cannot_be(alice: User, name: str) -> None:
    with pytest.raises(InvalidName):
        create(user_id=alice.pk, name=name)


@pytest.mark.parametrize(
    ("name", "kept"),
    [("inbox", "INBOX"), ("InBox/a", "INBOX/a"), ("a/inbox", "a/inbox"), ("Cafe\u0301", "Café")],
)
def test_it_knows_one_name_in_all_its_spellings(name: str, kept: str) -> None:
    assert normal(name) == kept


def test_it_has_a_limit(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "MAILBOXES_MAX", 7)
    create(user_id=alice.pk, name="Seventh")
    with pytest.raises(LimitReached):
        create(user_id=alice.pk, name="Eighth")


def test_it_renames_with_all_below(alice: User) -> None:
    for name in ("a/b", "a/b/c", "ab", "A/d"):
        create(user_id=alice.pk, name=name)
    uids = filled(box(alice, "a/b/c"), 2)
    before = box(alice, "a/b/c")
    rename(user_id=alice.pk, name="a", to="x/y", origin=ORIGIN)
    assert set(names(alice)) - set(DEFAULTS) == {"x", "x/y", "x/y/b", "x/y/b/c", "ab", "A", "A/d"}
    after = box(alice, "x/y/b/c")
    assert (after.pk, after.uidvalidity) == (before.pk, before.uidvalidity)
    assert list(Entry.objects.filter(mailbox=after).values_list("uid", flat=True)) == uids


def test_it_renames_nothing_onto_another(alice: User) -> None:
    for name in ("a/b", "x/b"):
        create(user_id=alice.pk, name=name)
    for to in ("x", "a"):
        with pytest.raises(AlreadyExists):
            rename(user_id=alice.pk, name="a", to=to, origin=ORIGIN)
    with pytest.raises(InvalidName):
        rename(user_id=alice.pk, name="a", to="a/b/c", origin=ORIGIN)
    with pytest.raises(NotFound):
        rename(user_id=alice.pk, name="nothing", to="something", origin=ORIGIN)
    assert set(names(alice)) - set(DEFAULTS) == {"a", "a/b", "x", "x/b"}


def test_it_empties_inbox_when_it_is_renamed(alice: User, inbox: Mailbox) -> None:
    create(user_id=alice.pk, name="INBOX/below")
    filled(inbox, 3)
    made = rename(user_id=alice.pk, name="inbox", to="Old/mail", origin=ORIGIN)
    assert MailboxState.objects.get(mailbox=inbox).messages == 0
    assert MailboxState.objects.get(mailbox=made).messages == 3
    assert {"INBOX", "INBOX/below", "Old", "Old/mail"} <= set(names(alice))
    assert_counters_are_exact()


def test_it_deletes_softly_and_frees_the_space(alice: User) -> None:
    create(user_id=alice.pk, name="a/b")
    mailbox = box(alice, "a")
    filled(mailbox, 2)
    delete(user_id=alice.pk, name="a", origin=ORIGIN)
    assert set(names(alice)) - set(DEFAULTS) == {"a/b"}
    assert Entry.objects.filter(mailbox=mailbox).count() == 2
    usage = Usage.objects.get(user=alice)
    assert (usage.size, usage.messages) == (0, 0)
    assert_counters_are_exact()
    with pytest.raises(NotFound):
        queries.snapshot(mailbox.pk)


def test_it_never_deletes_inbox(alice: User) -> None:
    with pytest.raises(NotPermitted):
        delete(user_id=alice.pk, name="Inbox", origin=ORIGIN)


def test_it_deletes_all_of_a_user_who_goes(alice: User, bob: User, inbox: Mailbox) -> None:
    filled(inbox, 2)
    mailboxes.delete_all(user_id=alice.pk, origin=ORIGIN)
    assert names(alice) == []
    assert names(bob) == DEFAULTS
    assert queries.inboxes([alice.pk, bob.pk]) == {bob.pk: box(bob).pk}
    assert_counters_are_exact()


def test_it_subscribes(alice: User, bob: User) -> None:
    unsubscribe(user_id=alice.pk, name="Junk")
    assert queries.subscriptions(alice.pk) == sorted(set(DEFAULTS) - {"Junk"})
    assert queries.subscriptions(bob.pk) == sorted(DEFAULTS)
    for _ in range(2):
        subscribe(user_id=alice.pk, name="Junk")
    assert queries.subscriptions(alice.pk) == sorted(DEFAULTS)
    with pytest.raises(NotFound):
        subscribe(user_id=alice.pk, name="Nothing")


def test_it_subscribes_to_nothing_by_itself(alice: User) -> None:
    create(user_id=alice.pk, name="Work/2026")
    assert queries.subscriptions(alice.pk) == sorted(DEFAULTS)


def test_it_keeps_a_subscription_to_a_mailbox_that_is_gone(alice: User) -> None:
    """RFC 3501 section 6.3.6: a server must not end one by itself."""
    delete(user_id=alice.pk, name="Junk", origin=ORIGIN)
    assert "Junk" in queries.subscriptions(alice.pk)
    unsubscribe(user_id=alice.pk, name="Junk")
    assert "Junk" not in queries.subscriptions(alice.pk)


def test_it_takes_subscriptions_along(alice: User) -> None:
    for name in ("a/b", "ab", "A/b"):
        create(user_id=alice.pk, name=name)
        subscribe(user_id=alice.pk, name=name)
    rename(user_id=alice.pk, name="a", to="x", origin=ORIGIN)
    assert queries.subscriptions(alice.pk) == sorted([*DEFAULTS, "A/b", "ab", "x/b"])


def test_it_limits_subscriptions(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "SUBSCRIPTIONS_MAX", len(DEFAULTS))
    create(user_id=alice.pk, name="One more")
    with pytest.raises(LimitReached):
        subscribe(user_id=alice.pk, name="One more")


def test_it_renames_a_level_that_is_no_mailbox(alice: User) -> None:
    create(user_id=alice.pk, name="a/b/c")
    delete(user_id=alice.pk, name="a/b", origin=ORIGIN)
    rename(user_id=alice.pk, name="a/b", to="x", origin=ORIGIN)
    assert set(names(alice)) - set(DEFAULTS) == {"a", "x/c"}


def test_it_empties_inbox_into_a_mailbox_below_it(alice: User, inbox: Mailbox) -> None:
    filled(inbox, 1)
    rename(user_id=alice.pk, name="INBOX", to="INBOX/old", origin=ORIGIN)
    assert MailboxState.objects.get(mailbox=box(alice, "INBOX/old")).messages == 1
    for to in ("INBOX", "Trash"):
        with pytest.raises(AlreadyExists):
            rename(user_id=alice.pk, name="INBOX", to=to, origin=ORIGIN)
