"""Letters that programs send: as JSON and as they are, at once and later, and what became of
them."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.directory.models import Domain, User
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.mailstore.models import SpecialUse
from apps.mailstore.queries import boxes, inbox_page, shown_bytes
from apps.mime.htmltext import html_lines
from apps.mime.reading import part_content, read
from apps.provisioning import services as provisioning
from tests.api.conftest import Program, faults, program
from tests.support.cost import cost
from tests.support.mail import drain

RFC822 = "message/rfc822"
RAW = b"From: ann@example.test\r\nTo: bob@example.test\r\nBcc: eve@out.test\r\n\r\nhello\r\n"


@pytest.fixture
def writer(domain: Domain) -> User:
    return provisioning.add_user("ann@example.test", "correct horse battery", "Ann Archer")[0]


@pytest.fixture
def bob(domain: Domain) -> User:
    return provisioning.add_user("bob@example.test", "correct horse battery")[0]


@pytest.fixture
def ann(writer: User) -> Program:
    return program(writer)


def mails(user: User, use: SpecialUse) -> list[bytes]:
    box = boxes([user.pk], use)[user.pk]
    rows = inbox_page(box)
    return [shown_bytes(row.message_id, row.head_id) for row in rows]


def send_raw(asks: Program, raw: bytes = RAW, query: str = "") -> Any:
    path = f"/api/v1/submissions/raw{query}"
    return asks._client.generic("POST", path, raw, content_type=RFC822)


def in_days(days: float) -> str:
    return (timezone.now() + timedelta(days=days)).isoformat()


def test_a_letter_is_composed_sent_kept_and_followed(ann: Program, writer: User, bob: User) -> None:
    letter = {
        "to": ["Bob <bob@example.test>"],
        "cc": ["carol@out.test"],
        "bcc": ["BOB@example.test", "dave@out.test"],
        "subject": "Figures \N{KOALA}",
        "html": "<p>All is <b>well</b></p><p>Ann</p>",
        "attachments": [
            {
                "name": "../../figures.csv",
                "media_type": "text/csv",
                "content": base64.b64encode(b"q3,42").decode(),
            }
        ],
        "in_reply_to": "<q2@out.test>",
    }
    made = ann.post("submissions", letter)
    assert made.status_code == 201, made.content
    drain()
    (raw,) = mails(bob, SpecialUse.INBOX)
    reading = read(raw)
    assert (reading.sender.name, reading.sender.address) == ("Ann Archer", "ann@example.test")
    assert reading.subject == "Figures \N{KOALA}"
    assert reading.bcc == ()
    assert "<b>well</b>" in reading.html
    assert b"In-Reply-To: <q2@out.test>\r\n" in raw
    (file,) = reading.files
    assert (file.name, part_content(raw, file.number)[1]) == ("figures.csv", b"q3,42")  # type: ignore[index]
    (kept,) = mails(writer, SpecialUse.SENT)
    assert [one.address for one in read(kept).bcc] == ["BOB@example.test", "dave@out.test"]

    shown = ann.get(made["Location"]).json()
    assert shown["id"] == made.json()["id"]
    states = {one["address"]: one["state"] for one in shown["recipients"]}
    assert states == {
        "bob@example.test": "delivered",
        "carol@out.test": "waiting",
        "dave@out.test": "waiting",
    }
    assert (shown["state"], shown["subject"]) == ("waiting", letter["subject"])
    (listed,) = ann.get("submissions").json()["items"]
    assert listed == shown
    found = ann.get(f"submissions?message_id={shown['message_id']}").json()["items"]
    assert found == [shown]
    assert program(bob).get(made["Location"]).status_code == 404


def test_a_scheduled_letter_waits_moves_and_is_called_back(
    ann: Program, writer: User, bob: User
) -> None:
    letter = {"to": ["bob@example.test"], "subject": "Later", "send_at": in_days(2)}
    made = ann.post("submissions", letter)
    assert made.json()["send_at"][:16] == letter["send_at"][:16]
    address = made["Location"]
    drain()
    assert mails(bob, SpecialUse.INBOX) == []
    moved = ann.patch(address, {"send_at": in_days(1)})
    assert moved.json()["send_at"] < made.json()["send_at"]
    assert len(mails(writer, SpecialUse.SENT)) == 1
    assert ann.delete(address).status_code == 204
    assert ann.delete(address).status_code == 204  # again is no error
    assert mails(writer, SpecialUse.SENT) == []
    assert ann.get(address).json()["state"] == "cancelled"
    assert ann.patch(address, {"send_at": None}).status_code == 409

    other = ann.post("submissions", letter)["Location"]
    assert ann.patch(other, {"send_at": None}).status_code == 200
    drain()
    assert len(mails(bob, SpecialUse.INBOX)) == 1
    late = ann.delete(other)
    assert (late.status_code, late.json()["code"]) == (409, "too_late")


def test_what_webmail_has_scheduled_is_changed_there(ann: Program, writer: User) -> None:
    made = ann.post("submissions", {"to": ["x@out.test"], "send_at": in_days(1)})
    QueuedMessage.objects.update(door="webmail")
    answers = [ann.delete(made["Location"]), ann.patch(made["Location"], {"send_at": None})]
    assert [one.json()["code"] for one in answers] == ["in_use", "in_use"]
    assert QueuedMessage.objects.get().state == MessageState.ACCEPTED


def test_a_message_goes_out_as_it_is(ann: Program, writer: User, bob: User) -> None:
    made = send_raw(ann, RAW.replace(b"\r\n", b"\n"))
    assert made.status_code == 201, made.content
    drain()
    (raw,) = mails(bob, SpecialUse.INBOX)
    assert b"Bcc" not in raw
    assert b"Message-ID: " in raw
    assert raw.endswith(b"\r\n\r\nhello\r\n")
    addresses = [one["address"] for one in made.json()["recipients"]]
    assert addresses == ["bob@example.test", "eve@out.test"]
    chosen = send_raw(ann, b"just text\r\n", "?to=bob@example.test&keeps_copy=false")
    assert chosen.status_code == 201
    drain()
    assert mails(bob, SpecialUse.INBOX)[0].endswith(b"\r\n\r\njust text\r\n")
    assert len(mails(writer, SpecialUse.SENT)) == 1


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"to": []}, "/to", "required"),
        ({"to": ["nobody@example.test"]}, "/to/0", "unknown_recipient"),
        ({"cc": ["nobody@example.test"]}, "/cc/0", "unknown_recipient"),
        ({"to": ["a@out.test, b@out.test"]}, "/to/0", "invalid_address"),
        ({"to": ["x\r\nBcc: y@out.test"]}, "/to/0", "invalid_address"),
        ({"sender": "words"}, "/sender", "invalid_address"),
        ({"reply_to": ["@"]}, "/reply_to/0", "invalid_address"),
        ({"send_at": "2001-01-01T00:00:00Z"}, "/send_at", "invalid"),
        ({"send_at": "9999-12-31T00:00:00Z"}, "/send_at", "invalid"),
        ({"in_reply_to": "q2"}, "/in_reply_to", "message_id"),
        ({"attachments": [{"name": "a", "content": "*"}]}, "/attachments/0/content", "base64"),
        ({"attachments": [{"name": "a", "content": 1}]}, "/attachments/0/content", "base64"),
        (
            {"attachments": [{"name": "a", "content": "", "content_id": "a>\r\nX: y"}]},
            "/attachments/0/content_id",
            "invalid",
        ),
        ({"text": "\ud800"}, "/text", "surrogate"),
        ({"headers": {}}, "/headers", "unknown_field"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_its_field(
    ann: Program, bob: User, change: dict[str, Any], pointer: str, code: str
) -> None:
    answer = ann.post("submissions", {"to": ["x@out.test"], **change})
    assert (answer.status_code, faults(answer)) == (422, [(pointer, code)]), answer.content
    assert not QueuedMessage.objects.exists()


def test_nobody_writes_as_another(ann: Program, bob: User) -> None:
    answer = ann.post("submissions", {"to": ["x@out.test"], "sender": "bob@example.test"})
    assert (answer.status_code, faults(answer)) == (403, [("/sender", "sender_not_allowed")])
    raw = RAW.replace(b"ann@", b"bob@")
    assert send_raw(ann, raw, "?sender=ann@example.test").status_code == 403
    assert not QueuedMessage.objects.exists()


def test_odd_messages_are_refused(ann: Program) -> None:
    for raw, query, status in (
        (b"", "", 422),
        (b"From: a@out.test\r\nFrom: b@out.test\r\n\r\n", "?to=x@out.test", 422),
        (b"From: a@out.test\r\n\r\n", "?to=x@out.test", 403),
        (b"To: a@out.test\r\n\r\nx\ry", "", 422),
        (b"To: a@out.test\r\n\r\nx\0y", "", 422),
        (b"Subject: nobody\r\n\r\n", "", 422),
        (b"To: a@out.test\r\n\r\n", "?to=%00", 400),
        (b"To: a@out.test\r\n\r\n", "?send_at=now", 400),
    ):
        answer = send_raw(ann, raw, query)
        assert answer.status_code == status, (raw, answer.content)
        assert answer.json()["detail"]
    assert ann.get(f"submissions/{'7' * 26}").status_code == 404
    assert ann.get("submissions/words").status_code == 404


def test_a_subject_adds_no_field(ann: Program, writer: User) -> None:
    made = ann.post("submissions", {"to": ["x@out.test"], "subject": "a\r\nBcc: y@out.test"})
    assert made.status_code == 201
    (kept,) = mails(writer, SpecialUse.SENT)
    assert read(kept).bcc == ()


def test_the_same_key_sends_one_letter(ann: Program, bob: User) -> None:
    letter = {"to": ["bob@example.test"], "subject": "Once"}
    answers = [ann.post("submissions", letter, Idempotency_Key="k") for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert QueuedMessage.objects.count() == 1


def test_limits_and_quotas_hold_and_leave_nothing(ann: Program, writer: User, bob: User) -> None:
    letter = {"to": ["bob@example.test"], "text": "x" * 5_000}
    User.objects.filter(pk=writer.pk).update(quota=1_000)
    assert ann.post("submissions", letter).status_code == 201  # the last that fits
    full = ann.post("submissions", letter)
    assert (full.status_code, full.json()["code"]) == (507, "quota_exceeded")
    assert QueuedMessage.objects.count() == len(mails(writer, SpecialUse.SENT)) == 1
    assert ann.post("submissions", {**letter, "keeps_copy": False}).status_code == 201


def test_the_words_of_html_are_found_in_linear_time() -> None:
    """Of whatever a program sends: every opening that never ends."""
    for unit in ("<!--", "<a ", "<", "&", "</", '<a href="', "<p>", "<script>"):
        small = cost(lambda unit=unit: html_lines(unit * 20_000))  # type: ignore[misc]
        large = cost(lambda unit=unit: html_lines(unit * 80_000), enough=0.2)  # type: ignore[misc]
        assert large < max(8 * small, 0.2), unit
