"""The page of a letter: what a browser with script and one without say to it."""

import uuid
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.test import Client

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.webmail.models import Draft

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json", "X-Requested-With": "fetch"}


def written(**fields: str) -> dict[str, str]:
    return {"revision": "0", "kind": "new", "source": "", "from": "", **fields}


def in_drafts(user: User) -> list[EmailMessage]:
    box = queries.boxes([user.pk], SpecialUse.DRAFTS)[user.pk]
    return [
        message_from_bytes(queries.shown_bytes(row.message_id, row.head_id), policy=policy.default)
        for row in queries.inbox_page(box)
    ]


def test_a_letter_begins_with_a_page_and_is_saved_as_a_draft(alice: User, reader: Client) -> None:
    page = reader.get("/mail/compose/")
    assert page.status_code == 200
    assert "composer--page" in page.content.decode()
    assert not Draft.objects.exists()
    letter = uuid.UUID(str(page.context["letter"].id))
    answer = reader.post(
        f"/mail/compose/{letter}/",
        written(to="Bob <bob@example.test>", subject="Hi", html="<p>Hello <b>Bob</b></p>"),
        headers=JSON,
    )
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["revision"] == 1
    (message,) = in_drafts(alice)
    assert message["To"] == "Bob <bob@example.test>"
    assert message["From"] == "Alice Archer <alice@example.test>"
    body = message.get_body(("html",))
    assert body is not None
    assert "<b>Bob</b>" in body.get_content()
