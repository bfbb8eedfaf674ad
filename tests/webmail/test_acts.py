"""Acts on mail from the web: by one, by many, by all; within one's rights; nothing of others."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditRecord
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, Entry, Expunged, JunkMark, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.queries import keyword_names
from apps.mailstore.services import mailboxes, sharing
from apps.webmail import refs
from apps.webmail.acts import wish
from apps.webmail.models import Label
from apps.wire.errors import LimitReached
from tests.support.mail import RAW, drain, local, submission

pytestmark = pytest.mark.django_db

JSON = {"accept": "application/json"}


def deliver(user: User, *raws: bytes) -> None:
    accept([submission(local(user), raw) for raw in raws])
    drain()


def numbered(count: int, first: int = 0) -> list[bytes]:
    """Messages that are no conversation with each other."""
    return [
        RAW.replace(b"Quarterly", b"Nr %d" % n).replace(b"Message-ID: <", b"Message-ID: <%d" % n)
        for n in range(first, first + count)
    ]


def box(user: User, use: str) -> int:
    return Mailbox.objects.get(user=user, special_use=use, deleted_at=None).pk


def ref(user: User, uid: int, use: str = "inbox") -> str:
    return f"{box(user, use)}.{uid}"


def uids(mailbox_id: int) -> list[int]:
    return list(
        Entry.objects.filter(mailbox=mailbox_id).order_by("uid").values_list("uid", flat=True)
    )


def do(client: Client, verb: str, *named: str, **fields: Any) -> Any:
    """As a script asks."""
    return client.post("/mail/acts/", {"verb": verb, "ref": named, **fields}, headers=JSON)


@pytest.mark.parametrize(
    ("verb", "use"), [("archive", "archive"), ("junk", "junk"), ("trash", "trash")]
)
def test_it_moves_where_the_verb_says(alice: User, reader: Client, verb: str, use: str) -> None:
    deliver(alice, *numbered(3))
    told = do(reader, verb, ref(alice, 1), ref(alice, 3)).json()
    assert uids(box(alice, use)) == [1, 2]
    assert uids(box(alice, "inbox")) == [2]
    assert told["gone"] == [ref(alice, 1), ref(alice, 3)]
    assert told["counts"][str(box(alice, "inbox"))] == {"unseen": 1, "messages": 1}
    assert told["undo"]
    assert told["text"].startswith("2 messages")


def test_without_script_it_leads_back_with_words_and_an_undo(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    fields = {"verb": "archive", "ref": ref(alice, 1), "next": "/mail/inbox/?only=unread"}
    response = reader.post("/mail/acts/", fields)
    assert (response.status_code, response.headers["Location"]) == (302, fields["next"])
    page = reader.get("/mail/inbox/").content.decode()
    assert "Message archived" in page
    assert 'action="/mail/undo/"' in page


@pytest.mark.parametrize(
    "where",
    ["https://evil.invalid/", "//evil.invalid", "/\\evil.invalid", "javascript:x", "/nope/"],
)
def test_it_leads_to_no_other_place(alice: User, reader: Client, where: str) -> None:
    deliver(alice, RAW)
    fields = {"verb": "star", "ref": ref(alice, 1), "next": where}
    assert reader.post("/mail/acts/", fields).headers["Location"] == "/mail/"


def test_it_marks_and_counts(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    do(reader, "star", ref(alice, 1))
    do(reader, "read", ref(alice, 1))
    assert Entry.objects.get().flags == FLAG_FLAGGED | FLAG_SEEN
    do(reader, "unstar", ref(alice, 1))
    told = do(reader, "unread", ref(alice, 1)).json()
    assert Entry.objects.get().flags == 0
    assert told["gone"] == []
    assert told["counts"] == {str(box(alice, "inbox")): {"unseen": 1, "messages": 1}}


def test_what_is_so_already_is_said(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    told = do(reader, "unread", ref(alice, 1)).json()
    assert (told["undo"], told["count"]) == (None, 0)
    assert told["text"].startswith("Nothing was changed")


def test_a_button_of_a_row_acts_on_that_row_whatever_is_ticked(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(2))
    do(reader, "archive", ref(alice, 1), one=f"star:{ref(alice, 2)}")
    flags = dict(Entry.objects.values_list("uid", "flags"))
    assert flags == {1: 0, 2: FLAG_FLAGGED}


def test_a_row_is_its_conversation_in_that_mailbox(alice: User, reader: Client) -> None:
    answer = RAW.replace(b"Message-ID: <", b"In-Reply-To: <MID>\r\nMessage-ID: <re")
    found = RAW.split(b"Message-ID: <")[1].split(b">")[0]
    deliver(alice, RAW)
    deliver(alice, answer.replace(b"MID", found))
    deliver(alice, *numbered(1, 50))
    told = do(reader, "archive", ref(alice, 2), whole="1").json()
    assert told["text"] == "Conversation archived"
    assert told["count"] == 2
    assert set(told["gone"]) == {ref(alice, 1), ref(alice, 2)}
    assert uids(box(alice, "inbox")) == [3]


def test_it_acts_on_mailboxes_at_once(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(3))
    do(reader, "junk", ref(alice, 1))
    told = do(reader, "trash", ref(alice, 2), ref(alice, 1, "junk")).json()
    assert told["count"] == 2
    assert uids(box(alice, "trash")) == [1, 2]


def test_it_moves_to_a_folder_of_choice(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    mailboxes.create(user_id=alice.pk, name="Plans")
    target = Mailbox.objects.get(user=alice, name="Plans").pk
    told = do(reader, "move", ref(alice, 1), target=str(target)).json()
    assert told["text"] == "Message moved to “Plans”"
    assert uids(target) == [1]


def test_it_labels(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    do(reader, "label", ref(alice, 1), label="Quayside")
    assert keyword_names(box(alice, "inbox"))[0] == "Quayside"
    assert Entry.objects.get().keywords == 1
    do(reader, "unlabel", ref(alice, 1), label="quayside")
    assert Entry.objects.get().keywords == 0


def test_a_button_of_a_menu_says_what_it_is_for(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    do(reader, "label:Quayside", ref(alice, 1))
    assert Entry.objects.get().keywords == 1
    do(reader, f"move:{box(alice, 'archive')}", ref(alice, 1))
    assert uids(box(alice, "archive")) == [1]


def test_a_label_is_made_by_its_name_and_once(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(2))
    do(reader, "label", ref(alice, 1), new="  Büro  Plan ")
    do(reader, "label", ref(alice, 2), new="büro plan")
    label = Label.objects.get(user=alice)
    assert label.name == "Büro Plan"
    assert set(Entry.objects.values_list("keywords", flat=True)) == {1}
    assert keyword_names(box(alice, "inbox"))[0] == label.keyword
    assert do(reader, "label", ref(alice, 1), new="x" * 101).status_code == 400
    assert do(reader, "label", "999.1", new="Other").status_code == 404
    assert Label.objects.count() == 1


@pytest.mark.parametrize("label", ["", "$Junk", "NonJunk", "two words", "ü", "x" * 101, "a(b"])
def test_it_takes_no_label_that_is_none(alice: User, reader: Client, label: str) -> None:
    deliver(alice, RAW)
    assert do(reader, "label", ref(alice, 1), label=label).status_code == 400
    assert Entry.objects.get().keywords == 0
    assert not JunkMark.objects.exists()


def test_junk_teaches_and_not_junk_too(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    JunkMark.objects.all().delete()
    do(reader, "junk", ref(alice, 1))
    assert list(JunkMark.objects.values_list("judged", flat=True)) == ["spam"]
    told = do(reader, "notjunk", ref(alice, 1, "junk")).json()
    assert list(JunkMark.objects.order_by("id").values_list("judged", flat=True)) == ["spam", "ham"]
    assert told["text"] == "Message moved to the inbox: not junk"
    assert uids(box(alice, "inbox")) == [2]


def test_not_junk_is_for_junk_alone(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    do(reader, "archive", ref(alice, 1))
    JunkMark.objects.all().delete()
    assert do(reader, "notjunk", ref(alice, 1, "archive")).json()["count"] == 0
    assert uids(box(alice, "archive")) == [1]
    assert not JunkMark.objects.exists()


def test_it_deletes_for_good_from_trash_and_junk_alone(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(2))
    refused = do(reader, "delete", ref(alice, 1))
    assert refused.status_code == 409
    assert "move them there first" in refused.json()["error"]
    do(reader, "trash", ref(alice, 1))
    told = do(reader, "delete", ref(alice, 1, "trash")).json()
    assert told["text"] == "Message deleted"
    assert uids(box(alice, "trash")) == []
    assert Expunged.objects.filter(mailbox=box(alice, "trash"), fate=0).count() == 1


def test_it_empties_trash_when_somebody_is_sure(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(3))
    do(reader, "trash", *[ref(alice, uid) for uid in (1, 2, 3)])
    page = reader.post("/mail/acts/", {"verb": "empty", "all": "trash", "next": "/mail/trash/"})
    assert "3 messages will be deleted" in page.content.decode()
    assert do(reader, "empty", all="trash").json()["confirm"]
    assert len(uids(box(alice, "trash"))) == 3
    told = do(reader, "empty", all="trash", confirmed="1").json()
    assert told["count"] == 3
    assert uids(box(alice, "trash")) == []


def test_nobody_empties_an_inbox(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    assert do(reader, "empty", all="inbox", confirmed="1").status_code == 409
    assert do(reader, "empty", ref(alice, 1), confirmed="1").status_code == 400
    assert uids(box(alice, "inbox")) == [1]


@pytest.mark.parametrize("place", ["starred", "label:Plans", "label:"])
def test_what_is_emptied_is_one_folder(alice: User, reader: Client, place: str) -> None:
    deliver(alice, RAW)
    do(reader, "star", ref(alice, 1))
    do(reader, "trash", ref(alice, 1))
    for sure in ({}, {"confirmed": "1"}):
        assert do(reader, "empty", all=place, **sure).status_code == 400
        asked = reader.post("/mail/acts/", {"verb": "empty", "all": place, **sure})
        assert asked.status_code == 302
    assert len(uids(box(alice, "trash"))) == 1


def test_all_of_a_place_goes_by_chunks(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wish, "CHUNK", 4)
    deliver(alice, *numbered(11))
    told = do(reader, "archive", all="inbox").json()
    assert (told["count"], told["left"]) == (11, 0)
    assert told["text"] == "11 messages archived"
    assert uids(box(alice, "archive")) == list(range(1, 12))


def test_all_that_is_unread(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(5))
    do(reader, "read", ref(alice, 2), ref(alice, 4))
    do(reader, "trash", all="inbox", only="unread")
    assert uids(box(alice, "inbox")) == [2, 4]


def test_all_that_is_starred_or_has_a_label(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(4))
    do(reader, "star", ref(alice, 1))
    do(reader, "label", ref(alice, 2), label="Plans")
    do(reader, "archive", ref(alice, 3))
    do(reader, "star", ref(alice, 1, "archive"))
    assert do(reader, "read", all="starred").json()["count"] == 2
    assert do(reader, "read", all="label:plans").json()["count"] == 1
    assert do(reader, "read", all="label:nowhere").json()["count"] == 0
    assert Entry.objects.filter(flags=0).values_list("uid", flat=True).get() == 4


def test_when_time_is_over_it_says_how_many_are_left(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wish, "CHUNK", 2)
    monkeypatch.setattr(wish, "SECONDS", -1.0)
    deliver(alice, *numbered(7))
    told = do(reader, "trash", all="inbox").json()
    assert (told["count"], told["left"]) == (2, 5)
    assert told["text"] == "2 messages moved to Trash. 5 are left: do it again"
    assert uids(box(alice, "inbox")) == [3, 4, 5, 6, 7]
    assert do(reader, "trash", *[ref(alice, uid) for uid in range(3, 8)]).json()["left"] == 3


def test_many_cost_as_many_statements_as_one(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(30))
    counts = []
    for some in ([1], range(2, 30)):
        with CaptureQueriesContext(connection) as captured:
            do(reader, "archive", *[ref(alice, uid) for uid in some], whole="1")
        counts.append(len(captured))
    # `Mailbox` of the helper, once a name.
    assert counts[1] - counts[0] == 27


HOSTILE = [
    *("1", "1.", ".1", "0.1", "1.0", "-1.1", "1.1.1", "1,1", "1.4294967296", "9" * 40 + ".1"),
    *("1." + "9" * 40, "\u0661.\u0661", "1.1;DROP", "<b>", "1.1\x00", "null"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_it_takes_no_odd_name(reader: Client, name: str) -> None:
    response = do(reader, "archive", name)
    assert response.status_code == 400
    assert "DROP" not in response.content.decode()


def test_it_takes_thousands_of_names_and_no_more(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(3))
    many = " ".join(ref(alice, 1).split(".")[0] + f".{uid}" for uid in range(1, refs.MOST + 1))
    assert do(reader, "star", many).json()["count"] == 3
    assert do(reader, "star", many + f" {ref(alice, 9_999)}").status_code == 403
    assert do(reader, "star", "1.1 " * 200_000).status_code in {400, 403}
    response = reader.post("/mail/acts/", {"verb": "star", "ref": ["1.1"] * 10_000}, headers=JSON)
    assert response.status_code == 400
    with pytest.raises(LimitReached):
        refs.parse(["1.1"] * 10_000)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"verb": "archive"},
        {"verb": "burn", "ref": "1.1"},
        {"verb": "move", "ref": "1.1"},
        {"verb": "move", "ref": "1.1", "target": "x"},
        {"verb": "archive", "one": "star"},
        {"verb": "archive", "one": ":"},
    ],
)
def test_it_says_what_is_missing(reader: Client, fields: dict[str, str]) -> None:
    response = reader.post("/mail/acts/", fields, headers=JSON)
    assert response.status_code == 400
    assert response.json()["error"].strip()
    assert reader.post("/mail/acts/", fields).status_code == 302


@pytest.mark.parametrize("verb", ["archive", "trash", "delete", "star", "label", "move"])
def test_it_touches_nothing_of_another_tenant(
    alice: User, eve: User, client: Client, verb: str
) -> None:
    deliver(alice, RAW)
    theirs = ref(alice, 1)
    client.force_login(eve)
    deliver(eve, RAW)
    more = {"label": "x", "target": str(box(eve, "archive"))}
    answers = [
        do(client, verb, theirs, ref(eve, 1), **more),
        do(client, verb, "999999999.1", **more),
        do(client, verb, all=str(box(alice, "inbox")), **more),
        do(client, verb, all="nowhere", **more),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    # Nothing of her own either: all is checked before anything is done.
    assert uids(box(eve, "inbox")) == [1]
    assert set(Entry.objects.values_list("flags", "keywords")) == {(0, 0)}
    assert client.post("/mail/acts/", {"verb": verb, "ref": theirs, **more}).status_code == 404


def test_nobody_moves_mail_into_another_tenants_folder(
    alice: User, eve: User, client: Client
) -> None:
    deliver(eve, RAW)
    client.force_login(eve)
    answer = do(client, "move", ref(eve, 1), target=str(box(alice, "inbox")))
    assert answer.status_code == 404
    assert uids(box(alice, "inbox")) == []


def share(owner: User, use: str, rights: str, to: User) -> None:
    origin = Origin("test", owner.pk)
    sharing.grant(mailbox_id=box(owner, use), to=to.address, rights=rights, origin=origin)


def test_rights_in_a_shared_mailbox_are_honoured(alice: User, bob: User, client: Client) -> None:
    deliver(alice, *numbered(2))
    share(alice, "inbox", "lrs", bob)
    client.force_login(bob)
    assert do(client, "read", ref(alice, 1)).json()["count"] == 1
    for verb in ("star", "label", "archive", "trash", "move", "delete"):
        answer = do(client, verb, ref(alice, 1), label="x", target=str(box(bob, "archive")))
        assert answer.status_code == 403, verb
        assert "not" in answer.json()["error"]
    share(alice, "inbox", "l", bob)  # listed, but not to be read: not there
    assert do(client, "read", ref(alice, 2)).status_code == 404
    assert dict(Entry.objects.values_list("uid", "flags")) == {1: FLAG_SEEN, 2: 0}


def test_no_label_is_made_for_who_may_not_put_it_on(alice: User, bob: User, client: Client) -> None:
    deliver(alice, RAW)
    share(alice, "inbox", "lrs", bob)
    client.force_login(bob)
    assert do(client, "label", ref(alice, 1), new="Plans").status_code == 403
    assert not Label.objects.exists()


def test_mail_of_others_goes_to_their_own_archive(alice: User, bob: User, client: Client) -> None:
    deliver(alice, *numbered(2))
    share(alice, "inbox", "lrswte", bob)
    client.force_login(bob)
    told = do(client, "archive", ref(alice, 1))
    assert told.status_code == 403
    assert "alice@example.test has not shared" in told.json()["error"]
    share(alice, "archive", "lri", bob)
    told = do(client, "archive", ref(alice, 1)).json()
    assert uids(box(alice, "archive")) == [1]
    assert told["text"] == "Message archived. This cannot be undone"
    assert told["undo"] is None  # he may not take it out again, nor put it back


def test_it_leaves_others_their_deleted_mail(alice: User, bob: User, client: Client) -> None:
    """Whose Trash is out of reach: deleted for good, which its owner can bring back."""
    deliver(alice, RAW)
    share(alice, "inbox", "lrswte", bob)
    client.force_login(bob)
    assert do(client, "delete", ref(alice, 1)).json()["count"] == 1
    assert Expunged.objects.get().fate == 0


@pytest.mark.parametrize("path", ["/mail/acts/", "/mail/undo/"])
def test_nothing_is_done_by_looking(alice: User, reader: Client, path: str) -> None:
    deliver(alice, RAW)
    fields = {"verb": "trash", "ref": ref(alice, 1)}
    for ask in (reader.get, reader.head):
        assert ask(path, fields).status_code == 405
    assert uids(box(alice, "inbox")) == [1]


def test_strangers_sign_in_first(db: None, client: Client) -> None:
    assert do(client, "star", "1.1").status_code == 401
    assert client.post("/mail/acts/", {"verb": "star"}).headers["Location"].startswith("/login/")
    assert client.post("/mail/undo/", headers=JSON).status_code == 401


def test_ones_own_acts_are_nobodys_business(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    do(reader, "archive", ref(alice, 1))
    assert not AuditRecord.objects.filter(action="user.act_as_mail").exists()
