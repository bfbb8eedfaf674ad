"""One door for what was set aside: release, block, train, wherever the copy lies, once."""

import threading
from dataclasses import replace
from uuid import UUID

import pytest
from django.db import close_old_connections

from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage
from apps.mailstore import queries as mailstore
from apps.mailstore.models import Entry, JunkMark, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services import copy as carrying
from apps.runtime.ulid import new_ulid
from apps.scan import copies
from apps.scan.copies import Copy, Place
from apps.scan.models import ListEntry, Quarantined, Reason
from apps.scan.services import copies as acts
from apps.scan.services import quarantine
from apps.scan.services.quarantine import Keep
from apps.scan.verdict import Verdict
from apps.wire.errors import NotFound, NotPermitted
from tests.scan.services.test_quarantine import POLICY, VIRUS, claim, keep
from tests.support.mail import RAW, drain, local, submission

pytestmark = pytest.mark.django_db
LINK = Origin("link", None)
SHELL = Origin("command", None)


def held(user: User, verdict: Verdict | None = None) -> Copy:
    (row,) = keep(claim(local(user)), verdict or Verdict((POLICY,)))
    return copies.find(user.pk, row.trace_id)


def junked(user: User, raw: bytes = RAW) -> Copy:
    """A message that lies in Junk; nobody has said anything of it yet."""
    item = submission(local(user), raw)
    accept([item])
    drain()
    inbox, junk = (
        mailstore.boxes([user.pk], use)[user.pk] for use in (SpecialUse.INBOX, SpecialUse.JUNK)
    )
    (uid,) = Entry.objects.filter(mailbox=inbox).values_list("uid", flat=True)
    carrying.move(mailbox_id=inbox, uids=[uid], target_id=junk, origin=SHELL)
    JunkMark.objects.all().delete()
    return copies.find(user.pk, item.trace_id)


def said() -> list[str]:
    return list(JunkMark.objects.order_by("id").values_list("judged", flat=True))


def places(user: User) -> list[str]:
    entries = Entry.objects.filter(mailbox__user=user)
    return sorted(entries.values_list("mailbox__special_use", flat=True))


def test_it_releases_from_quarantine_by_the_queue_and_learns(alice: User) -> None:
    found = held(alice)
    assert (found.place, found.author) == (Place.QUARANTINE, "Carol <carol@outside.invalid>")
    assert acts.release(found, origin=LINK).place is Place.RELEASED
    assert said() == ["ham"]
    drain()
    now = copies.find(alice.pk, found.trace_id)
    assert (now.place, places(alice)) == (Place.MAILBOX, ["inbox"])
    # Whoever comes late, with what he read before, or after, changes nothing.
    for stale in (found, now):
        assert acts.release(stale, origin=LINK).place is Place.MAILBOX
    drain()
    assert places(alice) == ["inbox"]
    assert said() == ["ham"]


def test_it_releases_from_junk_into_the_inbox_and_learns(alice: User) -> None:
    found = junked(alice)
    assert found.place is Place.JUNK
    assert acts.release(found, origin=LINK).place is Place.MAILBOX
    assert acts.release(found, origin=LINK).place is Place.MAILBOX
    assert places(alice) == ["inbox"]
    assert said() == ["ham"]


def test_it_lets_a_virus_go_for_administrators_alone(alice: User) -> None:
    found = held(alice, Verdict((VIRUS,)))
    assert found.is_dangerous
    with pytest.raises(NotPermitted):
        acts.release(found, origin=LINK)
    assert copies.find(alice.pk, found.trace_id).place is Place.QUARANTINE
    assert not QueuedMessage.objects.filter(state="accepted").exists()
    assert acts.release(found, origin=SHELL, is_admin=True).place is Place.RELEASED
    assert said() == []  # a virus that was wanted once makes no virus ham


def test_it_lets_go_nothing_of_which_one_copy_does_harm(alice: User) -> None:
    message = claim(local(alice))
    (to,) = message.recipients
    two = [Keep(to, alice.pk), Keep(to, alice.pk, is_elsewhere=True)]
    first, second = keep(message, Verdict((POLICY,)), two)
    Quarantined.objects.filter(pk=second.pk).update(reason=Reason.VIRUS)
    found = copies.find(alice.pk, first.trace_id)
    assert found.is_dangerous
    with pytest.raises(NotPermitted):
        acts.release(found, origin=LINK)


def test_it_learns_only_from_who_was_first(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at a copy and its lock somebody else has settled it."""
    found = held(alice)
    monkeypatch.setattr(quarantine, "release", lambda ids, by: [])
    monkeypatch.setattr(quarantine, "delete", lambda ids, by: [])
    acts.release(found, origin=LINK)
    acts.block(found, origin=LINK)
    assert said() == []


def test_it_blocks_the_sender_and_does_away_with_the_copy(alice: User) -> None:
    found = held(alice)
    assert acts.block(found, origin=LINK).place is Place.DELETED
    assert acts.block(found, origin=LINK).place is Place.DELETED
    entry = ListEntry.objects.get()
    assert (entry.user_id, entry.verb, entry.value) == (alice.pk, "block", "carol@outside.invalid")
    assert said() == ["spam"]
    drain()
    assert places(alice) == []


def test_it_blocks_whoever_wrote_what_lies_in_junk(alice: User) -> None:
    assert acts.block(junked(alice), origin=LINK).place is Place.JUNK
    assert ListEntry.objects.get().value == "carol@outside.invalid"
    assert said() == ["spam"]


def test_it_blocks_nobody_whom_a_display_name_claims(alice: User) -> None:
    raw = RAW.replace(
        b"Carol <carol@outside.invalid>",
        b"=?utf-8?q?boss=40example.test_=3Cboss=40example.test=3E=2C?= <spam@evil.invalid>",
    )
    (row,) = keep(claim(local(alice), raw), Verdict((POLICY,)), raw=raw)
    acts.block(copies.find(alice.pk, row.trace_id), origin=LINK)
    assert [one.value for one in ListEntry.objects.all()] == ["spam@evil.invalid"]


@pytest.mark.parametrize("name", ["alice@example.test", "boss@example.test"])
def test_it_blocks_no_colleague_because_a_forger_took_the_name(alice: User, name: str) -> None:
    raw = RAW.replace(b"Carol <carol@outside.invalid>", f"<{name}>".encode())
    (row,) = keep(claim(local(alice), raw), Verdict((POLICY,)), raw=raw)
    found = copies.find(alice.pk, row.trace_id)
    assert found.blockable == row.sender
    acts.block(found, origin=LINK)
    assert [one.value for one in ListEntry.objects.all()] == [row.sender]
    again = submission(local(alice), raw)
    accept([again])
    drain()
    in_junk = copies.find(alice.pk, again.trace_id)
    assert (in_junk.author_address, in_junk.blockable) == (name, "")
    with pytest.raises(NotFound):
        acts.block(in_junk, origin=LINK)


def test_it_trains_both_ways_wherever_the_copy_lies(alice: User) -> None:
    found = junked(alice)
    assert acts.train(found, is_spam=True, origin=LINK).place is Place.JUNK
    moved = acts.train(found, is_spam=False, origin=LINK)
    assert moved.place is Place.MAILBOX
    assert acts.train(moved, is_spam=False, origin=LINK).place is Place.MAILBOX
    assert acts.train(moved, is_spam=True, origin=LINK).place is Place.JUNK
    assert said() == ["spam", "ham", "ham", "spam"]
    kept = held(alice)
    assert acts.train(kept, is_spam=True, origin=LINK).place is Place.QUARANTINE
    assert said()[4:] == ["spam"]


def test_it_deletes_into_trash_and_teaches_nothing(alice: User) -> None:
    assert acts.delete(junked(alice), origin=LINK).place is Place.MAILBOX
    assert places(alice) == ["trash"]
    assert acts.delete(held(alice), origin=LINK).place is Place.DELETED
    assert said() == []


def test_it_knows_no_copy_of_anybody_else(alice: User, bob: User, eve: User) -> None:
    trace_id = held(alice).trace_id
    lying = junked(bob).trace_id
    for user, other in ((eve, trace_id), (bob, trace_id), (alice, lying), (eve, new_ulid())):
        with pytest.raises(NotFound):
            copies.find(user.pk, other)
    # Nor are rows of one reader taught in the name of another.
    with pytest.raises(NotFound):
        acts.train(replace(held(alice), user_id=eve.pk), is_spam=True, origin=LINK)
    assert said() == []


@pytest.mark.django_db(transaction=True)
def test_it_releases_once_whoever_asks_at_the_same_moment(alice: User) -> None:
    numbers = [one.pk for _ in range(10) for one in keep(claim(local(alice)), Verdict((POLICY,)))]
    start, done = threading.Barrier(4), []

    def release() -> None:
        start.wait(30)
        try:
            for number in numbers:
                done.append(quarantine.release([number], by="link"))
        finally:
            close_old_connections()

    threads = [threading.Thread(target=release) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert sorted(number for found in done for number in found) == numbers
    drain()
    assert places(alice) == ["inbox"] * len(numbers)
    assert {one.state for one in Quarantined.objects.all()} == {"released"}


def test_it_finds_what_its_reader_has_thrown_away_released(alice: User) -> None:
    found = held(alice)
    acts.release(found, origin=LINK)
    drain()
    Entry.objects.all().delete()
    assert copies.find(alice.pk, UUID(str(found.trace_id))).place is Place.RELEASED
