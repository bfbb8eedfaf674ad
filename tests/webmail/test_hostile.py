"""Messages made to hurt, and senders made to look like others, as a reader meets them.

The bound is two seconds of processor time where tens of milliseconds are expected: a busy machine
does not fail it, and anything quadratic takes far longer at these sizes.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.directory.models import User
from apps.mailstore.models import Entry
from tests.mime.test_hostile import MESSAGES
from tests.support.cost import cost
from tests.webmail.test_mail import deliver, text

pytestmark = pytest.mark.django_db

SECONDS = 2.0
PAGE = 8_000_000  # octets of a page: 2 MB of text, each character written as four at most


def in_time(reader: Client, page: str) -> Any:
    answers: list[Any] = []
    assert cost(lambda: answers.append(reader.get(page)), enough=SECONDS) < SECONDS, page
    return answers[-1]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=name, marks=pytest.mark.long if number % 3 else ())
        for number, (name, make) in enumerate(MESSAGES.items())
    ],
)  # tests/mime/test_hostile.py reads all of them in the short form too
def test_it_shows_a_hostile_message_in_time(
    alice: User, reader: Client, make: Callable[[], bytes]
) -> None:
    deliver(alice, make())
    uid = Entry.objects.get().uid
    for page in ("/mail/inbox/", f"/mail/inbox/{uid}/", f"/mail/inbox/{uid}/body/"):
        response = in_time(reader, page)
        # What has no HTML has no frame for it.
        assert response.status_code in ({200, 404} if page.endswith("body/") else {200})
        assert len(response.content) < PAGE


def _word(raw: bytes) -> bytes:
    return b"=?utf-8?b?" + b64encode(raw) + b"?="


@pytest.mark.parametrize(
    "author",
    [
        b'"boss@bank.test" <evil@forger.test>',
        _word(b"boss@bank.test") + b" <evil@forger.test>",
        _word(b"boss@bank.test\0") + b" <evil@forger.test>",
        _word(b"boss@bank.test\r\nSubject: forged") + b" <evil@forger.test>",
        _word(b"boss@bank.test\xe2\x80\xae") + b" <evil@forger.test>",
        _word(b"boss@bank.test>") + b" <evil@forger.test>",
        b"boss@bank.test(" + b"x" * 200 + b") <evil@forger.test>",
    ],
)
def test_it_shows_the_address_behind_a_name_that_looks_like_one(
    alice: User, reader: Client, author: bytes
) -> None:
    deliver(alice, b"From: " + author + b"\r\nTo: alice@example.test\r\nSubject: real\r\n\r\nx\r\n")
    page = text(reader.get(f"/mail/inbox/{Entry.objects.get().uid}/"))
    # Outside the name, so that no sign in it (RIGHT-TO-LEFT OVERRIDE) turns the address round.
    assert "evil@forger.test" in page.replace("boss@bank.test", "")
    assert "\0" not in page
    assert "\r\nSubject: forged" not in page
