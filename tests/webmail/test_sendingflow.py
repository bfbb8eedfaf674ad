"""A letter from the composer to a server elsewhere: as others read it, and as they check it."""

import email
import email.policy
from datetime import timedelta
from typing import Any

import dkim as dkimpy
import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.directory import dkim
from apps.directory.models import Domain, User
from apps.mailqueue.models import QueuedMessage
from apps.runtime.ulid import new_ulid
from apps.webmail.models import Draft
from apps.webmail.services import scheduled
from tests.support import outgoing
from tests.support.mail import drain
from tests.support.smtp_sink import Message
from tests.webmail.test_sending import held, read

pytestmark = pytest.mark.django_db(transaction=True)
FAR = "far.example"
HTML = "<p>Grüße, <b>Carol</b>.</p><p>From here, it is fine.</p><p>.</p>"


@pytest.fixture(autouse=True)
def _fresh_keys(domain: Domain) -> None:
    cache.clear()


def txt(name: bytes, timeout: int = 5) -> bytes | None:
    records = {row.record: row.text.encode() for row in dkim.all_keys()}
    return records.get(name.decode().rstrip("."))


def form(**fields: Any) -> dict[str, Any]:
    usual = {
        "revision": "0",
        "kind": "new",
        "to": f'"Meyer, Carol" <carol@{FAR}>',
        "bcc": f"secret@{FAR}",
        "subject": "Grüße aus Köln " + "und noch viel mehr davon " * 5,
        "html": HTML,
    }
    return usual | fields


def leave() -> None:
    QueuedMessage.objects.update(hold_until=0)
    drain()
    outgoing.send()


def parsed(message: Message) -> Any:
    return email.message_from_bytes(message.text, policy=email.policy.default)


def test_it_arrives_whole_signed_and_once(reader: Client, alice: User) -> None:
    with outgoing.outside() as world:
        sink = world.domain(FAR)
        draft = new_ulid()
        plan = SimpleUploadedFile("Pläne „neu“.pdf", b"%PDF-1.4 " * 300, "application/pdf")
        for _click in range(2):
            reader.post(f"/mail/compose/{draft}/send/", form(attach=[plan]))
            plan.seek(0)
        leave()
        sink.wait(1)
        (message,) = sink.messages
    assert sorted(message.recipients) == [f"carol@{FAR}", f"secret@{FAR}"]
    assert message.sender == "alice@example.test"
    assert b"secret" not in message.text
    for number in (0, 1):
        assert dkimpy.DKIM(message.text).verify(number, dnsfunc=txt)
    found = parsed(message)
    assert not found.defects
    assert not [part.defects for part in found.walk() if part.defects]
    assert found["subject"] == form()["subject"].strip()
    assert found["to"].addresses[0].display_name == "Meyer, Carol"
    assert found["message-id"] == Draft.objects.get(pk=draft).message_id
    assert found.get_content_type() == "multipart/mixed"
    assert "Grüße, Carol." in found.get_body(("plain",)).get_content()
    assert "<b>Carol</b>" in found.get_body(("html",)).get_content()
    (file,) = found.iter_attachments()
    assert file.get_filename() == "Pläne „neu“.pdf"
    assert file.get_content() == b"%PDF-1.4 " * 300
    assert max(map(len, message.text.split(b"\r\n"))) <= 998
    assert b"\n" not in message.text.replace(b"\r\n", b"")
    assert read(alice, "sent")["bcc"] == f"secret@{FAR}"


@pytest.mark.parametrize("field", ["subject", "to", "cc", "bcc", "from", "source"])
@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\0", "=?utf-8?q?=0D=0A?="])
def test_nobody_types_a_field_more(reader: Client, alice: User, field: str, end: str) -> None:
    evil = f"x@{FAR}{end}X-Evil: yes{end}{end}Hello" if field in ("to", "cc", "bcc") else ""
    draft = new_ulid()
    typed = form(**{field: evil or f"Hi{end}X-Evil: yes{end}Bcc: eve@{FAR}{end}{end}Hello"})
    reader.post(f"/mail/compose/{draft}/send/", typed | {"sure": "1"})
    for use in ("sent", "drafts"):
        if held(alice, use):
            found = read(alice, use)
            assert found["x-evil"] is None
            assert found["bcc"] is None or "eve@" not in found["bcc"]
    leaving = QueuedMessage.objects.filter(recipients__address__startswith="eve@")
    assert not leaving.exists()


def test_what_was_scheduled_leaves_and_is_in_sent(reader: Client, alice: User) -> None:
    with outgoing.outside() as world:
        sink = world.domain(FAR)
        draft = new_ulid()
        reader.post(f"/mail/compose/{draft}/send/", form(when=_tomorrow()))
        assert len(held(alice, "scheduled")) == 1
        Draft.objects.update(hold_until=1)
        leave()
        sink.wait(1)
    scheduled.sweep()
    assert held(alice, "scheduled") == []
    assert len(held(alice, "sent")) == 1


def test_one_that_came_back_is_offered_again_to_who_did_not_get_it(
    reader: Client, alice: User
) -> None:
    with outgoing.outside() as world:
        sink = world.domain(FAR)
        sink.on(f"RCPT gone@{FAR}", "550 5.1.1 no such user")
        draft = new_ulid()
        reader.post(f"/mail/compose/{draft}/send/", form(to=f"carol@{FAR}, gone@{FAR}", bcc=""))
        leave()
        sink.wait(1)
    mine = Draft.objects.get(pk=draft)
    page = reader.get(f"/mail/sent/{mine.uid}/").content.decode()
    assert "Delivered to 1 of 2 recipients." in page
    again = reader.get(f"/mail/compose/?kind=again&source={mine.mailbox_id}.{mine.uid}")
    shown = again.content.decode()
    assert f"gone@{FAR}" in shown
    assert f"carol@{FAR}" not in shown
    rows = reader.get("/mail/sent/").content.decode()
    assert "Failed: 1 of 2" in rows


def _tomorrow() -> str:
    return f"{timezone.localtime() + timedelta(days=1):%Y-%m-%dT%H:%M}"
