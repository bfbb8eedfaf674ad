"""Notes on mailboxes and accounts."""

import pytest

from apps.directory.models import User
from apps.events.types import EVERYBODY, AnnotationsChanged
from apps.mailstore import queries
from apps.mailstore.annotations import account_notes, contents, notes, stamps
from apps.mailstore.models import Annotation, Mailbox, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services import annotations, mailboxes
from apps.mailstore.services.annotations import (
    NOTES_MAX,
    TOTAL_MAX,
    VALUE_MAX,
    TooLarge,
    TooMany,
    change,
)
from apps.mailstore.services.roles import NoRole
from apps.wire.errors import NotFound, QuotaExceeded
from tests.mailstore.test_writers import together

ORIGIN = Origin("test", None)
COMMENT, SHARED = "/private/comment", "/shared/comment"


def note(
    user: User, box: Mailbox | None, values: dict[str, bytes | None], use: str | None = None
) -> None:
    owner_id = user.pk if box is None else box.user_id
    mailbox_id = None if box is None else box.pk
    change(user_id=user.pk, owner_id=owner_id, mailbox_id=mailbox_id, values=values, use=use)


def seen(user: User, box: Mailbox | None) -> dict[str, bytes]:
    found = account_notes(user.pk) if box is None else notes(user.pk, [box.pk])
    texts = contents([one.id for one in found])
    assert {one.id: one.size for one in found} == {key: len(text) for key, text in texts.items()}
    return {one.entry: texts[one.id] for one in found}


def test_it_keeps_what_was_written_last(alice: User, inbox: Mailbox) -> None:
    note(alice, inbox, {COMMENT: b"one", SHARED: b"\x00\xff"})
    note(alice, inbox, {COMMENT: b"two"})
    assert seen(alice, inbox) == {COMMENT: b"two", SHARED: b"\x00\xff"}
    note(alice, inbox, {COMMENT: None, "/private/other": None, SHARED: b""})
    assert seen(alice, inbox) == {SHARED: b""}


def test_it_shows_private_notes_to_nobody_else(alice: User, bob: User, inbox: Mailbox) -> None:
    note(alice, inbox, {COMMENT: b"mine", SHARED: b"ours"})
    note(bob, inbox, {COMMENT: b"his"})
    assert seen(alice, inbox) == {COMMENT: b"mine", SHARED: b"ours"}
    assert seen(bob, inbox) == {COMMENT: b"his", SHARED: b"ours"}
    note(bob, inbox, {SHARED: b"new"})
    assert seen(alice, inbox)[SHARED] == b"new"


def test_it_keeps_accounts_and_mailboxes_apart(alice: User, bob: User, inbox: Mailbox) -> None:
    note(alice, None, {COMMENT: b"account"})
    assert seen(alice, inbox) == {}
    assert seen(alice, None) == {COMMENT: b"account"}
    assert seen(bob, None) == {}


def test_it_numbers_each_change(alice: User, inbox: Mailbox) -> None:
    note(alice, inbox, {COMMENT: b"one"})
    note(alice, None, {COMMENT: b"one"})
    before = stamps(alice.pk, [inbox.pk])
    assert before.keys() == {(inbox.pk, COMMENT), (None, COMMENT)}
    note(alice, inbox, {COMMENT: b"one"})
    after = stamps(alice.pk, [inbox.pk])
    assert after[inbox.pk, COMMENT] > before[inbox.pk, COMMENT]
    assert after[None, COMMENT] == before[None, COMMENT]


def test_it_refuses_what_is_too_large(alice: User, inbox: Mailbox) -> None:
    note(alice, inbox, {COMMENT: b"x" * VALUE_MAX})
    with pytest.raises(TooLarge):
        note(alice, inbox, {SHARED: b"x", COMMENT: b"x" * (VALUE_MAX + 1)})
    assert seen(alice, inbox) == {COMMENT: b"x" * VALUE_MAX}


def test_it_refuses_too_many_and_writes_none_of_them(alice: User, inbox: Mailbox) -> None:
    note(alice, inbox, {f"/private/x/{number}": b"" for number in range(NOTES_MAX)})
    with pytest.raises(TooMany):
        note(alice, inbox, {"/private/x/0": b"changed", "/private/x/more": b""})
    assert len(seen(alice, inbox)) == NOTES_MAX
    assert seen(alice, inbox)["/private/x/0"] == b""
    note(alice, inbox, {"/private/x/0": None, "/private/x/more": b""})
    note(alice, None, {COMMENT: b"of the account"})


def test_it_bounds_what_a_user_keeps_in_all(
    alice: User, bob: User, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert TOTAL_MAX >= 10 * VALUE_MAX
    monkeypatch.setattr(annotations, "TOTAL_MAX", 100)
    note(alice, inbox, {COMMENT: b"x" * 60})
    with pytest.raises(QuotaExceeded):
        note(alice, None, {COMMENT: b"x" * 41})
    note(alice, None, {COMMENT: b"x" * 40})
    note(bob, inbox, {COMMENT: b"x" * 100})
    with pytest.raises(QuotaExceeded):  # shared notes are their owner's
        note(bob, inbox, {SHARED: b"x"})


def test_it_gives_no_mailbox_the_notes_of_a_deleted_one(alice: User) -> None:
    """RFC 5464 section 4.1."""
    box = mailboxes.create(user_id=alice.pk, name="Box")
    note(alice, box, {COMMENT: b"x"})
    mailboxes.delete(user_id=alice.pk, name="Box", origin=ORIGIN)
    assert seen(alice, mailboxes.create(user_id=alice.pk, name="Box")) == {}
    with pytest.raises(NotFound):
        note(alice, box, {COMMENT: b"x"})


def test_it_lets_the_notes_on_deleted_mailboxes_give_way(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotations, "TOTAL_MAX", 100)
    box = mailboxes.create(user_id=alice.pk, name="Box")
    note(alice, box, {COMMENT: b"x" * 60})
    note(alice, None, {COMMENT: b"x" * 40})
    mailboxes.delete(user_id=alice.pk, name="Box", origin=ORIGIN)
    assert Annotation.objects.filter(mailbox=box).exists()
    with pytest.raises(QuotaExceeded):
        note(alice, None, {COMMENT: b"x" * 101})
    assert Annotation.objects.filter(mailbox=box).exists()  # nothing has changed
    note(alice, None, {COMMENT: b"x" * 100})
    assert not Annotation.objects.filter(mailbox=box).exists()


def test_it_copies_the_notes_when_inbox_is_renamed(alice: User, inbox: Mailbox) -> None:
    """RFC 5464 section 4.1."""
    note(alice, inbox, {COMMENT: b"x"})
    moved = mailboxes.rename(user_id=alice.pk, name="INBOX", to="Old", origin=ORIGIN)
    assert seen(alice, moved) == seen(alice, inbox) == {COMMENT: b"x"}


def test_it_tells_who_may_see_them(
    alice: User, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(annotations, "publish_on_commit", told.append)
    note(alice, inbox, {COMMENT: b"x"})
    note(alice, inbox, {COMMENT: b"x", SHARED: b"y"})
    note(alice, None, {COMMENT: b"x"})
    assert told == [
        AnnotationsChanged(alice.pk, inbox.pk),
        AnnotationsChanged(EVERYBODY, inbox.pk),
        AnnotationsChanged(alice.pk, 0),
    ]


def test_it_gives_a_role_by_its_entry(alice: User, inbox: Mailbox) -> None:
    """RFC 6154 section 4."""
    box = mailboxes.create(user_id=alice.pk, name="Box")
    change(user_id=alice.pk, owner_id=alice.pk, mailbox_id=box.pk, values={}, use=SpecialUse.SENT)
    assert queries.boxes([alice.pk], SpecialUse.SENT) == {alice.pk: box.pk}
    note(alice, box, {}, use="")
    assert queries.boxes([alice.pk], SpecialUse.SENT) == {}
    with pytest.raises(NoRole):
        note(alice, inbox, {COMMENT: b"x"}, use=SpecialUse.SENT)
    assert seen(alice, inbox) == {}


@pytest.mark.django_db(transaction=True)
def test_it_lets_many_write_at_once(alice: User, inbox: Mailbox) -> None:
    """Each of the writers keeps what it wrote, the last one its role, and none fails."""
    made = [mailboxes.create(user_id=alice.pk, name=f"Box {number}") for number in range(4)]

    def job(number: int) -> None:
        for turn in range(5):
            note(alice, inbox, {COMMENT: b"%d" % number, f"/private/x/{number}": b"%d" % turn})
            note(alice, made[number], {SHARED: b"%d" % turn}, use=SpecialUse.SENT)
            name = f"Made {number} {turn}"
            mailboxes.create(user_id=alice.pk, name=name, special_use=SpecialUse.SENT)

    together(job, 4)
    found = seen(alice, inbox)
    assert found.pop(COMMENT) in {b"0", b"1", b"2", b"3"}
    assert found == {f"/private/x/{number}": b"4" for number in range(4)}
    assert [seen(alice, box) for box in made] == [{SHARED: b"4"}] * 4
    assert len(queries.boxes([alice.pk], SpecialUse.SENT)) == 1
