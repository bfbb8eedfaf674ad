"""What was done with a message in mailboxes is read off the journal, through the services that mail
programs and pages use."""

from typing import Any
from uuid import UUID

import pytest

from apps.delivery.accept import accept
from apps.delivery.recorder import acts, mailbox
from apps.delivery.recorder.mailbox import Deed, Life, Place
from apps.delivery.recorder.programs import is_phone, program
from apps.directory.models import User
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, Change, Entry, Expunged, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import copy, expunge, flags, mailboxes, undelete
from apps.mailstore.services.flags import FlagChange
from apps.trace import queries as traces
from tests.mailstore.making import box, filled
from tests.support.mail import drain, local, submission

pytestmark = pytest.mark.django_db

PHONE = "K-9 Mail 6.8"


@pytest.fixture
def trace(alice: User) -> UUID:
    """A message in Alice's inbox, between others."""
    filled(box(alice), 3)
    mail = submission(local(alice))
    accept([mail])
    drain()
    filled(box(alice), 3)
    return mail.trace_id


def phone(user: User) -> Origin:
    return Origin("imap", user.pk, PHONE, "192.0.2.9")


def places(trace_id: UUID) -> list[Place]:
    return [
        Place(one.data["mailbox"], one.data["uid"], one.at_us)
        for one in traces.events_of(trace_id)
        if one.kind == "local.delivered"
    ]


def told(trace_id: UUID, owners: frozenset[int] | None = None) -> Life:
    return mailbox.life(trace_id, places(trace_id), owners)


def deeds(life: Life) -> list[Deed]:
    return [one.deed for one in life.acts]


def said(life: Life) -> str:
    (owner,) = {one.user_id for one in life.boxes.values()}
    return acts.headline(life, owner)


def uid_of(trace_id: UUID) -> int:
    return places(trace_id)[0].uid


def flag(user: User, uids: list[int], mode: Any, bits: int = 0, *words: str) -> None:
    flags.store(
        mailbox_id=box(user).pk,
        uids=uids,
        change=FlagChange(mode, bits, words),
        origin=phone(user),
    )


def test_nothing_is_told_where_nothing_was_done(trace: UUID) -> None:
    life = told(trace)
    assert life.acts == ()
    assert [one.name for one in life.boxes.values()] == ["INBOX"]
    assert said(life) == ""


def test_flags_are_told_as_what_they_changed(trace: UUID, alice: User) -> None:
    uid = uid_of(trace)
    flag(alice, [uid - 1, uid, uid + 1], "add", FLAG_SEEN)
    flag(alice, [uid], "add", FLAG_SEEN | FLAG_FLAGGED)
    flag(alice, [uid], "replace", FLAG_SEEN)
    flag(alice, [uid], "add", 0, "holiday", "$Forwarded")
    flag(alice, [uid], "remove", FLAG_SEEN)
    life = told(trace)
    assert deeds(life) == [
        *(Deed.READ, Deed.FLAGGED, Deed.UNFLAGGED, Deed.LABELLED, Deed.FORWARDED, Deed.UNREAD)
    ]
    first = life.acts[0]
    assert (first.actor, first.door, first.client) == (alice.pk, "imap", PHONE)
    assert first.address == "192.0.2.9"
    assert life.acts[3].label == "holiday"


def test_what_is_done_with_others_is_not_told(trace: UUID, alice: User) -> None:
    uid = uid_of(trace)
    flag(alice, [uid - 1], "add", FLAG_SEEN)
    flag(alice, [uid - 2, uid + 2], "add", FLAG_SEEN)
    expunge.expunge(mailbox_id=box(alice).pk, uids=[uid + 1], marked=False, origin=phone(alice))
    assert told(trace).acts == ()


def test_it_is_followed_from_mailbox_to_mailbox(trace: UUID, alice: User) -> None:
    inbox, archive, trash = box(alice), box(alice, "Archive"), box(alice, "Trash")
    uid = uid_of(trace)
    filled(archive, 5)
    moved = copy.move(
        mailbox_id=inbox.pk, uids=[uid - 1, uid], target_id=archive.pk, origin=phone(alice)
    )
    new = dict(moved.uids)[uid]
    copy.move(mailbox_id=archive.pk, uids=[new], target_id=trash.pk, origin=phone(alice))
    life = told(trace)
    assert [(one.deed, one.target.name if one.target else "") for one in life.acts] == [
        (Deed.MOVED, "Archive"),
        (Deed.MOVED, "Trash"),
    ]
    assert said(life).startswith("Deleted by a phone's mail app (K-9 Mail 6.8) at ")


def test_it_is_followed_where_nothing_of_the_message_is_left(trace: UUID, alice: User) -> None:
    inbox, trash = box(alice), box(alice, "Trash")
    moved = copy.move(
        mailbox_id=inbox.pk, uids=[uid_of(trace)], target_id=trash.pk, origin=phone(alice)
    )
    new = moved.uids[0][1]
    expunge.expunge(mailbox_id=trash.pk, uids=[new], marked=False, origin=phone(alice))
    Expunged.objects.all().delete()
    Entry.objects.filter(mailbox=trash).delete()
    life = told(trace)
    assert deeds(life) == [Deed.MOVED, Deed.DELETED]
    assert said(life).startswith("Deleted by a phone's mail app")


def test_pop3_deletes(trace: UUID, alice: User) -> None:
    origin = Origin("pop3", alice.pk, address="192.0.2.3")
    expunge.expunge(mailbox_id=box(alice).pk, uids=[uid_of(trace)], marked=False, origin=origin)
    assert said(told(trace)).startswith("Deleted by a mail program by POP3 at ")


def test_what_is_brought_back_is_followed(trace: UUID, alice: User) -> None:
    inbox = box(alice)
    expunge.expunge(mailbox_id=inbox.pk, uids=[uid_of(trace)], marked=False, origin=phone(alice))
    web = Origin("web", alice.pk, "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "192.0.2.4")
    undelete.messages(mailbox_id=inbox.pk, origin=web, uids=[uid_of(trace)])
    (new,) = Entry.objects.filter(mailbox=inbox, message__trace_id=trace).values_list(
        "uid", flat=True
    )
    flag(alice, [new], "add", FLAG_SEEN)
    life = told(trace)
    assert deeds(life) == [Deed.DELETED, Deed.RESTORED, Deed.READ]
    assert said(life).startswith("Brought back by the webmail (Firefox on Linux) at ")


def test_a_copy_is_followed_too(trace: UUID, alice: User) -> None:
    archive = box(alice, "Archive")
    copy.copy(
        mailbox_id=box(alice).pk,
        uids=[uid_of(trace)],
        target_id=archive.pk,
        origin=phone(alice),
    )
    life = told(trace)
    assert [(one.deed, one.box.name, one.target and one.target.name) for one in life.acts] == [
        (Deed.COPIED, "INBOX", "Archive")
    ]


def test_a_folder_that_goes_takes_it_along(trace: UUID, alice: User) -> None:
    made = mailboxes.create(user_id=alice.pk, name="Trips")
    copy.move(
        mailbox_id=box(alice).pk, uids=[uid_of(trace)], target_id=made.pk, origin=phone(alice)
    )
    mailboxes.delete(user_id=alice.pk, name="Trips", origin=phone(alice))
    life = told(trace)
    assert deeds(life) == [Deed.MOVED, Deed.FOLDER_DELETED]
    assert said(life).startswith("Deleted with its folder by a phone's mail app")


def test_mailboxes_of_others_are_closed(alice: User, bob: User) -> None:
    mail = submission(local(alice, bob))
    accept([mail])
    drain()
    for user in (alice, bob):
        flags.store(
            mailbox_id=box(user).pk,
            uids=[1],
            change=FlagChange("add", FLAG_SEEN),
            origin=phone(user),
        )
    assert {one.actor for one in told(mail.trace_id).acts} == {alice.pk, bob.pk}
    life = told(mail.trace_id, frozenset({bob.pk}))
    assert {one.actor for one in life.acts} == {bob.pk}
    assert {one.user_id for one in life.boxes.values()} == {bob.pk}
    assert told(mail.trace_id, frozenset()).acts == ()


def test_a_journal_of_nonsense_is_no_accident(trace: UUID, alice: User) -> None:
    uid = uid_of(trace)
    flag(alice, [uid], "add", FLAG_SEEN)
    Change.objects.filter(what="flags").update(before="[1", after='"x"')
    assert told(trace).acts == ()
    Change.objects.filter(what="flags").update(what="move", before="", uids=f"{uid}:{10**12}")
    assert deeds(told(trace)) == [Deed.MOVED]


def test_more_than_is_looked_at_is_said(
    trace: UUID, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "ROWS_MOST", 4)
    for _ in range(3):
        flag(alice, [uid_of(trace)], "add", FLAG_SEEN)
        flag(alice, [uid_of(trace)], "remove", FLAG_SEEN)
    assert told(trace).is_cut


def test_the_beginning_is_found_among_many(alice: User) -> None:
    inbox: Mailbox = box(alice)
    origin = phone(alice)
    for number in range(40):
        flags.store(
            mailbox_id=inbox.pk,
            uids=filled(inbox, 1),
            change=FlagChange("add" if number % 2 else "remove", FLAG_SEEN),
            origin=origin,
        )
    for row in Change.objects.filter(mailbox_id=inbox.pk).order_by("modseq"):
        found = mailbox._modseq_at(inbox.pk, row.at)
        first = Change.objects.filter(mailbox_id=inbox.pk, at__gte=row.at).order_by("modseq")
        assert found == first.values_list("modseq", flat=True)[0]
    assert mailbox._modseq_at(inbox.pk, 2**62) is None
    assert mailbox._modseq_at(0, 0) is None


@pytest.mark.parametrize(
    ("door", "client", "words"),
    [
        ("imap", "", "a mail program"),
        ("imap", "Thunderbird 140", "a mail program (Thunderbird 140)"),
        ("imap", "com.android.email", "a phone's mail app (com.android.email)"),
        ("imap", "iPhone Mail 21A", "a phone's mail app (iPhone Mail 21A)"),
        ("imap", "evil\x1b[31m\u202e", "a mail program (evil[31m?)"),
        ("imap", "x" * 500, f"a mail program ({'x' * 40})"),
        ("pop3", "", "a mail program by POP3"),
        ("web", "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0", "the webmail (Firefox on Windows)"),
        ("web", "<script>", "the webmail"),
        ("queue", "", "mailhost"),
    ],
)
def test_programs_in_words(door: str, client: str, words: str) -> None:
    assert program(door, client) == words


def test_phones_are_known_by_their_programs() -> None:
    assert is_phone("FairEmail 1.2")
    assert not is_phone("Thunderbird")
