"""Mailboxes and messages of a token's user, as programs use them."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import Domain, User
from apps.mailstore.origin import Origin
from apps.mailstore.queries import inboxes
from apps.mailstore.services import sharing
from apps.provisioning import services as provisioning
from tests.api.conftest import Program, faults, program
from tests.support.mail import RAW

RFC822 = "message/rfc822"


@pytest.fixture
def reader(domain: Domain) -> User:
    return provisioning.add_user("ann@example.test", "correct horse battery")[0]


@pytest.fixture
def ann(reader: User) -> Program:
    return program(reader)


def upload(asks: Program, mailbox: int, raw: bytes = RAW, query: str = "", **headers: str) -> Any:
    path = f"/api/v1/mailboxes/{mailbox}/messages{query}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asks._client.generic("POST", path, raw, content_type=RFC822, headers=named)


def box(user: User) -> int:
    return inboxes([user.pk])[user.pk]


def test_mailboxes_are_made_renamed_deleted_and_restored(ann: Program) -> None:
    names = [one["name"] for one in ann.get("mailboxes").json()["items"]]
    assert names == ["INBOX", "Drafts", "Sent", "Archive", "Junk", "Trash"]
    made = ann.post("mailboxes", {"name": "Projects/Harbour", "special_use": ""})
    assert made.status_code == 201
    address = made["Location"]
    assert ann.get(address).json() == made.json()
    assert ann.get("mailboxes?name=Projects").json()["items"][0]["messages"] == 0
    assert ann.get("mailboxes?special_use=junk&owner=Ann@example.test").json()["items"]
    changed = ann.patch(address, {"name": "Old harbour", "special_use": "archive"})
    assert (changed.json()["name"], changed.json()["special_use"]) == ("Old harbour", "archive")
    assert ann.delete(address).status_code == 409  # programs use it
    ann.patch(address, {"special_use": ""})
    assert ann.delete(address).status_code == 204
    assert ann.get(address).status_code == 404
    (gone,) = ann.get("mailboxes/deleted").json()["items"]
    back = ann.post(f"mailboxes/deleted/{gone['id']}/restore")
    assert back.json()["name"] == "Old harbour"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/name", "required"),
        ({"name": "inbox"}, "/name", "already_exists"),
        ({"name": "a//b"}, "/name", "invalid_name"),
        ({"name": "Shared/x"}, "/name", "invalid_name"),
        ({"name": "x", "special_use": "inbox"}, "/special_use", "invalid_choice"),
        ({"name": "x", "uid_next": 1}, "/uid_next", "unknown_field"),
    ],
)
def test_a_mailbox_that_cannot_be_is_refused_at_its_field(
    ann: Program, body: dict[str, Any], pointer: str, code: str
) -> None:
    answer = ann.post("mailboxes", body)
    assert answer.status_code in (409, 422)
    assert faults(answer) == [(pointer, code)]


def test_pages_of_mailboxes_and_messages_follow_each_other(ann: Program, reader: User) -> None:
    first = ann.get("mailboxes?limit=4")
    second = ann.get(f"mailboxes?limit=4&cursor={first.json()['next']}")
    assert [len(one.json()["items"]) for one in (first, second)] == [4, 2]
    assert second.json()["next"] is None
    inbox = box(reader)
    for day in (3, 1, 2):
        made = upload(ann, inbox, query=f"?received_at=2026-11-0{day}T10:00:00Z&is_seen=true")
        assert made.status_code == 201
    with CaptureQueriesContext(connection) as asked:
        page = ann.get(f"mailboxes/{inbox}/messages?limit=2")
    few = len(asked)
    rest = ann.get(page["Link"].split(">")[0].lstrip("<"))
    days = [one["received_at"][8:10] for one in page.json()["items"] + rest.json()["items"]]
    assert days == ["03", "02", "01"]
    for number in range(7):
        upload(ann, inbox, RAW + b"%d\r\n" % number)
    with CaptureQueriesContext(connection) as asked:
        ann.get(f"mailboxes/{inbox}/messages")
    assert len(asked) == few
    other = ann.get("mailboxes?name=Sent").json()["items"][0]["id"]
    wrong = ann.get(f"mailboxes/{other}/messages?cursor={page.json()['next']}")
    assert wrong.status_code == 400


def test_a_message_is_put_read_marked_moved_deleted_and_restored(
    ann: Program, reader: User
) -> None:
    inbox = box(reader)
    made = upload(ann, inbox, RAW.replace(b"\r\n", b"\n"))
    address = made["Location"]
    got = ann.get(address)
    shown = got.json()
    assert shown["subject"] == "Quarterly figures"
    assert shown["sender"] == {"name": "Carol", "address": "carol@outside.invalid"}
    assert shown["text"] == "The figures are attached.\r\n"
    assert not shown["is_seen"]
    assert {"name": "message-id", "value": "<q3@outside.invalid>"} in shown["headers"]
    assert ann.get(address, If_None_Match=got["ETag"]).status_code == 304
    raw = ann.get(f"{address}/raw", Accept=RFC822)
    assert (raw.content, raw["Content-Type"]) == (RAW, RFC822)

    marked = ann.patch(
        address, {"is_seen": True, "add_keywords": ["harbour"]}, If_Match=got["ETag"]
    )
    assert (marked.json()["is_seen"], marked.json()["keywords"]) == (True, ["harbour"])
    late = ann.patch(address, {"is_seen": False}, If_Match=got["ETag"])
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert ann.delete(address, If_Match=got["ETag"]).status_code == 412
    many = ann.post(
        f"mailboxes/{inbox}/messages/mark",
        {"uids": [1, 5], "is_flagged": True, "remove_keywords": ["harbour"]},
    )
    (one,) = many.json()["items"]
    assert (one["is_flagged"], one["is_seen"], one["keywords"]) == (True, True, [])

    trash = ann.get("mailboxes?special_use=trash").json()["items"][0]["id"]
    copied = ann.post(f"mailboxes/{inbox}/messages/copy", {"uids": [1], "mailbox": trash})
    moved = ann.post(f"mailboxes/{inbox}/messages/move", {"uids": [1], "mailbox": trash})
    new = [answer.json()["items"][0]["new_uid"] for answer in (copied, moved)]
    assert ann.get(address).status_code == 404
    gone = ann.post(f"mailboxes/{trash}/messages/delete", {"uids": [*new, 99]})
    assert gone.json() == {"uids": new}
    listed = ann.get(f"mailboxes/{trash}/messages/deleted?limit=1").json()
    assert [one["uid"] for one in listed["items"]] == [new[1]]
    back = ann.post(f"mailboxes/{trash}/messages/restore", {"uids": new}).json()["items"]
    again = ann.get(f"mailboxes/{trash}/messages/{back[0]['new_uid']}")
    assert again.json()["is_flagged"]
    assert ann.delete(f"mailboxes/{trash}/messages/{back[1]['new_uid']}").status_code == 204


def test_files_are_read_by_their_number(ann: Program, reader: User) -> None:
    letter = (
        b"From: c@outside.invalid\r\nSubject: =?utf-8?q?=F0=9F=90=A8?=\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n'
        b"Content-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\n\r\nplain\r\n--y\r\n"
        b"Content-Type: text/html\r\n\r\n<b>drawn</b>\r\n--y--\r\n--x\r\n"
        b"Content-Disposition: attachment; filename=../a.pdf\r\nContent-Type: application/pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--x--\r\n"
    )
    address = upload(ann, box(reader), letter)["Location"]
    shown = ann.get(address).json()
    assert (shown["text"].strip(), shown["html"].strip()) == ("plain", "<b>drawn</b>")
    (file,) = shown["attachments"]
    got = ann.get(f"{address}/parts/{file['part']}", Accept="application/pdf")
    assert (got.content, got["Content-Type"]) == (b"abc", "application/octet-stream")
    assert got["Content-Disposition"] == 'attachment; filename="a.pdf"'
    for number in (0, 99, 2**64):
        assert ann.get(f"{address}/parts/{number}").status_code == 404


def test_what_is_odd_is_refused_and_never_breaks(ann: Program, reader: User) -> None:
    inbox = box(reader)
    assert upload(ann, inbox, b"").status_code == 422
    assert upload(ann, inbox, b"a\0b").status_code == 422
    assert upload(ann, inbox, query="?is_seen=perhaps").status_code == 400
    assert ann.post(f"mailboxes/{inbox}/messages", {}).status_code == 415
    assert ann.get(f"mailboxes/{inbox}/messages/{2**70}").status_code == 404
    assert ann.get(f"mailboxes/{2**70}").status_code == 404
    assert ann.get(f"mailboxes/{2**70}/messages").status_code == 404
    odd = upload(
        ann, inbox, b"From: \xff\xfe <\xed\xa0\x80@x>\r\nSubject: \xed\xa0\x80\r\n\r\n\xff"
    )
    got = ann.get(odd["Location"])
    assert got.status_code == 200
    json.loads(got.content.decode())
    mark = f"mailboxes/{inbox}/messages/mark"
    for body, fault in (
        ({"uids": []}, "/uids"),
        ({"uids": [0]}, "/uids/0"),
        ({"uids": list(range(1, 1_002))}, "/uids"),
        ({"uids": [1], "add_keywords": ["two words"]}, "/add_keywords/0"),
        ({"uids": [1], "add_keywords": ["\\Seen"]}, "/add_keywords/0"),
    ):
        answer = ann.post(mark, body)
        assert (answer.status_code, faults(answer)[0][0]) == (422, fault)


def test_the_same_upload_twice_is_one_message(ann: Program, reader: User) -> None:
    inbox = box(reader)
    answers = [upload(ann, inbox, Idempotency_Key="k") for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert len(ann.get(f"mailboxes/{inbox}/messages").json()["items"]) == 1
    assert upload(ann, inbox, RAW + b"more", Idempotency_Key="k").status_code == 422


def test_mail_is_searched_for_in_all_mailboxes(ann: Program, reader: User) -> None:
    inbox = box(reader)
    for word in (b"walrus", b"walrus", b"penguin"):
        upload(ann, inbox, RAW.replace(b"figures are", word))
    first = ann.get("messages?query=walrus&limit=1").json()
    second = ann.get(f"messages?query=walrus&limit=1&cursor={first['next']}").json()
    assert [one["uid"] for one in first["items"] + second["items"]] == [2, 1]
    ann.delete(f"mailboxes/{inbox}/messages/3")
    assert ann.get("messages?query=penguin").json()["items"] == []
    assert ann.get("messages?query=penguin&deleted=true").json()["items"][0]["uid"] == 3
    assert ann.get("messages?query=walrus&cursor=x").status_code == 400
    assert ann.get("messages?query=").status_code == 400
    hinted = ann.get("messages?query=is:nonsense").json()
    assert hinted["hints"]


def test_of_shared_mailboxes_a_program_has_the_rights_of_its_user(
    ann: Program, reader: User
) -> None:
    bob = provisioning.add_user("bob@example.test", "correct horse battery")[0]
    theirs, mine = box(bob), box(reader)
    upload(program(bob), theirs)
    assert ann.get(f"mailboxes/{theirs}/messages/1").status_code == 404
    sharing.grant(mailbox_id=theirs, to=reader.key, rights="lr", origin=Origin("imap", bob.pk))
    (shown,) = ann.get("mailboxes?owner=bob@example.test").json()["items"]
    assert (shown["is_shared"], shown["rights"]) == (True, "lr")
    assert ann.get(f"mailboxes/{theirs}/messages/1").status_code == 200
    refused = [
        ann.patch(f"mailboxes/{theirs}/messages/1", {"is_seen": True}),
        ann.delete(f"mailboxes/{theirs}/messages/1"),
        ann.patch(f"mailboxes/{theirs}", {"name": "mine"}),
        ann.delete(f"mailboxes/{theirs}"),
        upload(ann, theirs),
        ann.post(f"mailboxes/{theirs}/messages/move", {"uids": [1], "mailbox": mine}),
        ann.get(f"mailboxes/{theirs}/messages/deleted"),
    ]
    assert [one.status_code for one in refused] == [403] * len(refused)
    ann.post(f"mailboxes/{theirs}/messages/copy", {"uids": [1], "mailbox": mine})
    assert len(ann.get(f"mailboxes/{mine}/messages").json()["items"]) == 1
