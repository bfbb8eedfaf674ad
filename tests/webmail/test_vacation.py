"""The page of what is answered while somebody is away."""

import email
import email.policy
import re
from typing import Any

import pytest
from django.test import Client

from apps.blobs import services as blobs
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage
from apps.runtime.clock import now
from apps.sieve.models import Vacation
from apps.webmail.services import preferences
from tests.support.mail import RAW, drain, local, submission

pytestmark = pytest.mark.django_db

PAGE = "/settings/vacation/"
FORM = {
    "is_on": "on",
    "starts": "2026-12-18T17:00",
    "ends": "2027-01-04T08:00",
    "subject": "Away until 4 January: {subject}",
    "text": "Back in January.",
    "audience": "everyone",
    "outside_text": "",
    "days": "7",
}


def post(client: Client, **fields: Any) -> Any:
    return client.post(PAGE, {**FORM, **fields})


def test_it_keeps_what_is_typed_and_shows_it_again(alice: User, reader: Client) -> None:
    preferences.change(user_id=alice.pk, time_zone="Europe/Kyiv")
    response = post(reader, text="Back <b>in</b> January.\r\nAlice")
    assert (response.status_code, response["Location"]) == (302, PAGE)
    row = Vacation.objects.get(user=alice)
    assert row.starts_at == 1_797_606_000  # 15:00 UTC
    assert row.text == "Back <b>in</b> January.\nAlice"
    page = reader.get(PAGE).content.decode()
    assert 'value="2026-12-18T17:00"' in page
    assert "Back &lt;b&gt;in&lt;/b&gt; January." in page
    assert "Europe/Kyiv" in page
    assert "Saved" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": ""}, "Write what people are to be told."),
        ({"starts": "2026-02-31T10:00"}, "This is no date and time."),
        ({"ends": "tomorrow"}, "This is no date and time."),
        ({"ends": "9999-12-31T23:59"}, "This is no date and time."),
        ({"ends": "2026-12-01T00:00"}, "It must end after it starts."),
        ({"audience": "all"}, "Choose who gets a reply."),
        ({"days": "\u0667"}, "Choose how often one person gets a reply."),
        ({"subject": "x" * 201}, "The subject is too long"),
        ({"text": "x" * 5001}, "The message is too long"),
    ],
)
def test_it_says_what_is_wrong_and_loses_nothing(
    reader: Client, fields: dict[str, str], words: str
) -> None:
    response = post(reader, **{"outside_text": "For the others", **fields})
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert "For the others" in page
    assert not Vacation.objects.exists()


def test_it_tells_where_the_answers_stand(alice: User, reader: Client) -> None:
    def said(**fields: Any) -> str:
        Vacation.objects.update_or_create(user=alice, defaults={"text": "x", **fields})
        text = re.sub(r"<[^>]+>", "", reader.get(PAGE).content.decode())
        return " ".join(text.split())

    assert "Replies" not in said(is_on=False)
    assert "Replies are being sent. They go on until" in said(is_on=True)
    assert "Starts in 3 days. Replies run from" in said(starts_at=now() + 200_000)
    assert "They end on" in said(starts_at=0, ends_at=now() + 5000)
    assert "Replies ended on" in said(ends_at=now() - 5)


def test_a_test_goes_to_oneself_alone_and_keeps_nothing(alice: User, reader: Client) -> None:
    response = post(reader, do="test", is_on="")
    assert response.status_code == 200
    assert "A test is on its way" in response.content.decode()
    assert not Vacation.objects.exists()
    row = QueuedMessage.objects.get(door="vacation")
    letter = email.message_from_bytes(blobs.read(row.blob_id), policy=email.policy.default)
    assert letter["to"] == "alice@example.test"
    assert letter["subject"] == "Away until 4 January:"
    assert letter.get_content().strip() == "Back in January."


def test_tests_come_to_an_end(reader: Client) -> None:
    codes = [post(reader, do="test").status_code for _ in range(12)]
    assert codes == [200] * 10 + [422] * 2


def test_what_is_set_here_is_answered(alice: User, reader: Client) -> None:
    post(reader, starts="", ends="")
    accept([submission(local(alice), RAW)])
    drain()
    row = QueuedMessage.objects.get(door="vacation")
    assert b"Back in January." in blobs.read(row.blob_id)


def test_nobody_sets_it_for_another(alice: User, bob: User, reader: Client) -> None:
    post(reader, user=bob.pk, user_id=bob.pk)
    assert list(Vacation.objects.values_list("user_id", flat=True)) == [alice.pk]


def test_strangers_sign_in_first(client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    assert post(client).status_code == 302
    assert not Vacation.objects.exists()
