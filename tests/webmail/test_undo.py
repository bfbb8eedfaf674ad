"""Undo: exactly what the act changed, of what is still there; once; by the person; not for ever."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.test import Client

from apps.audit.models import AuditRecord
from apps.directory.models import RoleGrant, User
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, Change, Entry, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.queries import keyword_names
from apps.mailstore.services import copy, expunge, flags, mailboxes, sharing
from apps.mailstore.services.flags import FlagChange
from apps.provisioning import services as provisioning
from apps.webmail.acts import undo, wish
from apps.webmail.acts.steps import Expunged, Marked, Moved, Step, pack, unpack
from tests.webmail.test_acting import begin
from tests.webmail.test_acts import JSON, box, deliver, do, numbered, ref, uids

pytestmark = pytest.mark.django_db


def back(client: Client, *tokens: str) -> Any:
    return client.post("/mail/undo/", {"token": tokens}, headers=JSON)


def marks(mailbox_id: int) -> list[tuple[int, int]]:
    found = Entry.objects.filter(mailbox=mailbox_id).order_by("uid")
    return list(found.values_list("flags", "keywords"))


@pytest.mark.parametrize("verb", ["archive", "junk", "trash"])
def test_what_was_moved_is_where_it_was_with_all_its_marks(
    alice: User, reader: Client, verb: str
) -> None:
    deliver(alice, *numbered(3))
    do(reader, "star", ref(alice, 1))
    do(reader, "read", ref(alice, 3))
    do(reader, "label", ref(alice, 3), label="Plans")
    before = marks(box(alice, "inbox"))
    told = do(reader, verb, *[ref(alice, uid) for uid in (1, 2, 3)]).json()
    answer = back(reader, told["undo"]).json()
    assert answer["text"] == "Undone: 3 messages are as they were"
    assert uids(box(alice, "inbox")) == [4, 5, 6]
    assert marks(box(alice, "inbox")) == before
    assert answer["back"] == {ref(alice, uid): ref(alice, uid + 3) for uid in (1, 2, 3)}
    assert answer["counts"][str(box(alice, "inbox"))] == {"unseen": 2, "messages": 3}


def test_without_script_a_button_does_it(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(1))
    token = do(reader, "trash", ref(alice, 1)).json()["undo"]
    response = reader.post("/mail/undo/", {"token": token, "next": "/mail/trash/"})
    assert response.headers["Location"] == "/mail/trash/"
    assert "the message is as it was" in reader.get("/mail/trash/").content.decode()
    assert uids(box(alice, "inbox")) == [2]


def test_only_what_the_act_changed_is_changed_back(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(4))
    do(reader, "read", ref(alice, 2))
    do(reader, "star", ref(alice, 3))
    told = do(reader, "read", all="inbox").json()
    assert told["count"] == 3
    assert back(reader, told["undo"]).json()["undone"] == 3
    assert [one for one, _ in marks(box(alice, "inbox"))] == [0, FLAG_SEEN, FLAG_FLAGGED, 0]


def test_labels_go_back_per_message(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(3))
    do(reader, "label", ref(alice, 2), label="Plans")
    told = do(reader, "label", *[ref(alice, uid) for uid in (1, 2, 3)], label="plans").json()
    back(reader, told["undo"])
    assert [words for _, words in marks(box(alice, "inbox"))] == [0, 1, 0]
    told = do(reader, "unlabel", ref(alice, 2), label="Plans").json()
    back(reader, told["undo"])
    assert [words for _, words in marks(box(alice, "inbox"))] == [0, 1, 0]
    assert keyword_names(box(alice, "inbox"))[0] == "Plans"


def test_what_others_changed_since_stays_as_they_want_it(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(2))
    told = do(reader, "star", ref(alice, 1), ref(alice, 2)).json()
    phone = Origin("imap", alice.pk)
    for mode in ("remove", "add"):
        change = FlagChange(mode, FLAG_FLAGGED)
        flags.store(mailbox_id=box(alice, "inbox"), uids=[2], change=change, origin=phone)
    flags.store(
        mailbox_id=box(alice, "inbox"), uids=[1], change=FlagChange("add", FLAG_SEEN), origin=phone
    )
    answer = back(reader, told["undo"]).json()
    assert marks(box(alice, "inbox")) == [(FLAG_SEEN, 0), (FLAG_FLAGGED, 0)]
    assert (answer["undone"], answer["lost"]) == (1, 1)


def test_deleted_mail_is_there_again(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(2))
    do(reader, "trash", ref(alice, 1), ref(alice, 2))
    do(reader, "star", ref(alice, 1, "trash"))
    told = do(reader, "empty", all="trash", confirmed="1").json()
    answer = back(reader, told["undo"]).json()
    assert (answer["undone"], answer["lost"]) == (2, 0)
    assert [one for one, _ in marks(box(alice, "trash"))] == [FLAG_FLAGGED, 0]
    assert answer["back"][ref(alice, 1, "trash")] == ref(alice, 3, "trash")


def test_what_is_gone_since_is_said(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(3))
    told = do(reader, "archive", *[ref(alice, uid) for uid in (1, 2, 3)]).json()
    origin = Origin("imap", alice.pk)
    expunge.expunge(mailbox_id=box(alice, "archive"), uids=[2], origin=origin, marked=False)
    answer = back(reader, told["undo"]).json()
    assert (answer["undone"], answer["lost"]) == (2, 1)
    assert answer["text"].startswith("A message could not be put back: somebody")


def test_a_folder_that_is_gone_is_said(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(1))
    mailboxes.create(user_id=alice.pk, name="Plans")
    plans = Mailbox.objects.get(user=alice, name="Plans").pk
    told = do(reader, "move", ref(alice, 1), target=str(plans)).json()
    mailboxes.delete(user_id=alice.pk, name="Plans", origin=Origin("imap", alice.pk))
    answer = back(reader, told["undo"]).json()
    assert (answer["undone"], answer["lost"]) == (0, 1)
    assert answer["text"].startswith("A message could not be put back")


@pytest.mark.parametrize("verb", ["archive", "star", "read", "label", "trash"])
def test_to_undo_twice_does_no_harm(alice: User, reader: Client, verb: str) -> None:
    deliver(alice, *numbered(2))
    told = do(reader, verb, ref(alice, 1), ref(alice, 2), label="Plans").json()
    back(reader, told["undo"])
    here = uids(box(alice, "inbox"))
    # Meanwhile the person does it again, and means it.
    do(reader, verb, *[ref(alice, uid) for uid in here], label="Plans")
    after = uids(box(alice, "inbox")), marks(box(alice, "inbox"))
    answer = back(reader, told["undo"]).json()
    assert (answer["undone"], answer["lost"]) == (0, 2)
    assert (uids(box(alice, "inbox")), marks(box(alice, "inbox"))) == after


def test_to_bring_back_twice_does_no_harm(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(1))
    do(reader, "trash", ref(alice, 1))
    told = do(reader, "delete", ref(alice, 1, "trash")).json()
    assert back(reader, told["undo"]).json()["undone"] == 1
    assert back(reader, told["undo"]).json()["undone"] == 0
    assert uids(box(alice, "trash")) == [2]


def test_it_is_too_late_after_ten_minutes(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(1))
    token = do(reader, "trash", ref(alice, 1)).json()["undo"]
    with time_machine.travel(timedelta(seconds=undo.MAX_AGE + 5), tick=True):
        answer = back(reader, token)
        assert answer.status_code == 400
        assert answer.json()["error"] == "It is too late to undo this"
    assert uids(box(alice, "trash")) == [1]


def test_a_token_is_of_one_person(alice: User, bob: User, client: Client) -> None:
    deliver(alice, *numbered(1))
    client.force_login(alice)
    token = do(client, "trash", ref(alice, 1)).json()["undo"]
    client.force_login(bob)
    assert back(client, token).status_code == 400
    assert uids(box(alice, "trash")) == [1]


@pytest.mark.parametrize(
    "token", ["", "x", "a:b:c", "\x00", "\ud7ff" * 50, "A" * 100_000, ":::::", "." + "e" * 40]
)
def test_it_takes_no_token_that_is_not_ours(alice: User, reader: Client, token: str) -> None:
    deliver(alice, *numbered(1))
    answer = back(reader, token)
    assert answer.status_code == 400
    assert answer.json()["error"] == "This cannot be undone"
    assert reader.post("/mail/undo/", {"token": token}).status_code == 302


def test_a_token_that_was_changed_or_signed_for_something_else_is_none(
    alice: User, reader: Client
) -> None:
    deliver(alice, *numbered(1))
    token = do(reader, "trash", ref(alice, 1)).json()["undo"]
    steps = pack([Moved(box(alice, "trash"), box(alice, "inbox"), [1], [1])])
    other = signing.dumps([alice.pk, alice.pk, steps], salt="something else", compress=True)
    for bad in (token[:-1] + ("A" if token[-1] != "A" else "B"), "A" + token[1:], other):
        assert back(reader, bad).status_code == 400
    assert uids(box(alice, "trash")) == [1]


def test_without_a_token_nothing_is_undone(reader: Client) -> None:
    assert back(reader).json()["undone"] == 0


def test_rights_are_asked_for_again(alice: User, bob: User, client: Client) -> None:
    deliver(alice, *numbered(1))
    origin = Origin("test", alice.pk)
    for use in ("inbox", "archive"):
        sharing.grant(mailbox_id=box(alice, use), to=bob.address, rights="lrswite", origin=origin)
    client.force_login(bob)
    token = do(client, "archive", ref(alice, 1)).json()["undo"]
    assert token
    sharing.grant(mailbox_id=box(alice, "archive"), to=bob.address, rights="lr", origin=origin)
    answer = back(client, token).json()
    assert (answer["undone"], answer["lost"]) == (0, 1)
    sharing.grant(mailbox_id=box(alice, "archive"), to=bob.address, rights="lrte", origin=origin)
    assert back(client, token).json()["undone"] == 1
    assert uids(box(alice, "inbox")) == [2]


def test_parts_of_a_large_act_are_undone_together(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(3))
    first = do(reader, "archive", ref(alice, 1)).json()["undo"]
    second = do(reader, "archive", ref(alice, 2)).json()["undo"]
    assert back(reader, first, second).json()["undone"] == 2
    assert uids(box(alice, "inbox")) == [3, 4, 5]


def test_a_large_act_has_a_small_token(alice: User) -> None:
    everything = list(range(1, 100_001))
    made = undo.token([Moved(1, 2, everything, everything)], user_id=alice.pk, by=alice.pk)
    assert made is not None
    assert len(made) < 200
    (step,) = undo.read(made, user_id=alice.pk, by=alice.pk)
    assert isinstance(step, Moved)
    assert step.new == everything


def test_what_does_not_fit_is_honestly_not_undone(alice: User) -> None:
    every_other = [uid for uid in range(1, 200_000) if uid * 2654435761 % 7 < 3]
    step = Marked(1, True, FLAG_SEEN, (), every_other, 5)
    assert undo.token([step], user_id=alice.pk, by=alice.pk) is None
    assert undo.token([], user_id=alice.pk, by=alice.pk) is None


def test_chunks_of_one_move_are_one_step(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wish, "CHUNK", 3)
    deliver(alice, *numbered(10))
    done = wish.perform(alice.pk, wish.Wish("archive", everything="inbox"), Origin("web", alice.pk))
    assert len(done.steps) == 1
    token = undo.token(done.steps, user_id=alice.pk, by=alice.pk)
    assert token is not None
    assert back(reader, token).json()["undone"] == 10


def test_steps_are_the_same_after_packing() -> None:
    steps: list[Step] = [
        Moved(1, 2, [1, 5, 6], [9, 10, 11]),
        Marked(3, False, 4, ("Plans",), [7], 12),
        Expunged(4, [1, 2, 3]),
    ]
    assert unpack(pack(steps)) == steps


def test_an_administrator_who_looks_leaves_a_record_and_undoes_their_own_acts_alone(
    alice: User, bob: User, settings: Any, client: Client
) -> None:
    settings.ACT_AS_USER = True
    provisioning.make_domain_admin(bob)
    assert RoleGrant.objects.exists()
    deliver(alice, *numbered(2))
    looking = begin(bob, alice)
    looking.send("/mail/acts/", seen="/mail/inbox/", verb="archive", ref=ref(alice, 1))
    record = AuditRecord.objects.get(action="user.act_as_mail")
    assert record.detail == {"what": "archive", "folder": "inbox", "uids": "1"}
    assert (record.actor_id, record.acting_for) == (bob.pk, alice.address)
    # A token of hers is not one of the administrator's.
    client.force_login(alice)
    token = do(client, "trash", ref(alice, 2)).json()["undo"]
    looking.send("/mail/undo/", seen="/mail/inbox/", token=token)
    assert uids(box(alice, "trash")) == [1]
    looking.send("/mail/acts/", seen="/mail/inbox/", verb="read", all="inbox")
    detail = AuditRecord.objects.filter(action="user.act_as_mail").order_by("-pk")[0].detail
    assert detail["uids"] == "all"


def test_an_administrator_who_looks_brings_back_what_they_deleted(
    alice: User, bob: User, settings: Any
) -> None:
    settings.ACT_AS_USER = True
    provisioning.make_domain_admin(bob)
    deliver(alice, *numbered(1))
    looking = begin(bob, alice)
    looking.send("/mail/acts/", seen="/mail/inbox/", verb="trash", ref=ref(alice, 1))
    named = ref(alice, 1, "trash")
    looking.send("/mail/acts/", seen="/mail/trash/", verb="delete", ref=named)
    assert uids(box(alice, "trash")) == []
    token = re.search(r'name="token" value="([^"]+)"', looking.read("/mail/trash/"))
    assert token is not None
    looking.send("/mail/undo/", seen="/mail/trash/", token=token[1])
    assert len(uids(box(alice, "trash"))) == 1
    assert Change.objects.get(what="restore").user_id == bob.pk


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_hundred_thousand_go_and_come_back(alice: User, reader: Client) -> None:
    inbox, origin = box(alice, "inbox"), Origin("test", alice.pk)
    deliver(alice, *numbered(50))
    while (count := Entry.objects.filter(mailbox=inbox).count()) < 100_000:
        some = uids(inbox)[: 100_000 - count]
        copy.copy(mailbox_id=inbox, uids=some, target_id=inbox, origin=origin)
    first = uids(inbox)
    flags.store(
        mailbox_id=inbox, uids=first[::3], change=FlagChange("add", FLAG_SEEN), origin=origin
    )
    for verb, use in (("read", "inbox"), ("archive", "archive")):
        began = time.monotonic()
        told = do(reader, verb, all="inbox").json()
        took = time.monotonic() - began
        print(f"{verb}: {told['count']} in {took:.1f} s, {told['left']} left")  # noqa: T201
        assert told["count"] + told["left"] == (66_666 if verb == "read" else 100_000)
        assert took < wish.SECONDS + 5
        assert len(told["gone"]) <= wish.TOLD
        assert use == "inbox" or told["undo"]
        if told["undo"] is None:
            continue
        began = time.monotonic()
        answer = back(reader, told["undo"]).json()
        print(f"undo: {answer['undone']} in {time.monotonic() - began:.1f} s")  # noqa: T201
        assert (answer["undone"], answer["lost"]) == (told["count"], 0)
