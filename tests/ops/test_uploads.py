"""Who may send a form larger than all others: somebody who is signed in, with a letter or an
address book."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as configured
from django.test import Client
from django.urls import reverse

from apps.contacts.services import imports
from apps.directory.models import User
from apps.ops import uploads
from apps.ops.bounds import bounded
from apps.runtime.ulid import new_ulid

pytestmark = pytest.mark.django_db(transaction=True)

FORM = "multipart/form-data; boundary=x"
CONTACTS = reverse("contacts-import")
CONSOLE = reverse("console-import")
LETTER = f"/mail/compose/{new_ulid()}/"


def ask(path: str, cookie: str, size: int, *, kind: str = FORM, method: str = "POST") -> int:
    """The status that a body of so many octets gets; 200 if the application took all of it."""
    sent: list[Any] = []
    taken = 0

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        nonlocal taken
        while (message := await receive())["type"] == "http.request":
            taken += len(message["body"])
            if not message["more_body"]:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                return

    body = bytes(size)
    pieces = [body[at : at + 1000] for at in range(0, size, 1000)]

    async def receive() -> Any:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [
        (b"content-type", kind.encode()),
        (b"cookie", cookie.encode("latin-1")),
        (b"content-length", str(size).encode()),
    ]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    async_to_sync(bounded(app))(scope, receive, send)
    status = int(sent[0]["status"])
    assert taken == (size if status == 200 else 0)
    return status


@pytest.fixture
def cookie(alice: User, client: Client, settings: Any) -> str:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000
    settings.MESSAGE_SIZE_LIMIT = 50_000
    client.force_login(alice)
    name = configured.SESSION_COOKIE_NAME
    return f"a=b; {name}={client.cookies[name].value}"


def test_a_letter_may_bring_its_files(cookie: str) -> None:
    assert ask(LETTER, cookie, 60_000) == 200
    assert ask(f"{LETTER}send/", cookie, 60_000) == 200
    assert ask(LETTER, cookie, 60_001) == 413


def test_an_address_book_may_be_as_large_as_its_page_says(
    cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LARGEST", 50_000)
    assert ask(CONTACTS, cookie, 60_000) == 200
    assert ask(CONTACTS, cookie, 60_001) == 413
    assert ask(CONTACTS, "", 10_001) == 413


def test_a_file_of_users_may_be_as_large_as_its_page_says(
    cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 50_000)
    assert ask(CONSOLE, cookie, 60_000) == 200
    assert ask(CONSOLE, cookie, 60_001) == 413
    assert ask(CONSOLE, "", 10_001) == 413


def test_other_forms_may_not(cookie: str) -> None:
    assert ask("/settings/general/", cookie, 10_000) == 200
    for path in ("/settings/general/", "/mail/compose/", f"{LETTER}files/", f"/x{LETTER}"):
        assert ask(path, cookie, 10_001) == 413
    assert ask(LETTER, cookie, 10_001, kind="application/x-www-form-urlencoded") == 413
    assert ask(LETTER, cookie, 10_001, method="PUT") == 413


@pytest.mark.parametrize(
    "wrong", ["", "session=", "session=x", "\xff=;;;=", "session=" + "y" * 5000, "a[]=b"]
)
def test_strangers_may_not(cookie: str, wrong: str) -> None:
    assert ask(LETTER, wrong, 10_001) == 413


def test_who_has_signed_out_may_not(cookie: str, client: Client) -> None:
    client.logout()
    assert ask(LETTER, cookie, 10_001) == 413
