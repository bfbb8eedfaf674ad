"""A running POP3 service, ways to speak to it, and letters that are odd in one way each."""

import poplib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

import pytest

from apps.directory.models import User
from apps.pop3.doors import Service
from tests.conftest import PASSWORD
from tests.imap.conftest import add_message, add_numbered
from tests.support.dialogue import Client
from tests.support.listening import Listening, listening

Running = Listening[Service]

LETTERS: Final = {
    "short": b"Subject: short\r\n\r\nOne line and no more.\r\n",
    "dots": b"Subject: dots\r\n\r\n.\r\n..\r\n.begins so\r\ninside.\r\n",
    "unended": b"Subject: unended\r\n\r\nlast",
    "bare": b"Subject: bare\n\none\n.two\n",
    "headless": b"\r\nonly a body\r\n",
    "empty": b"",
    "nameless": b"Subject: header only",
    "utf8": (
        "From: Pelé <pelé@example.com>\r\n"
        "To: Jürgen <j@bücher.example>\r\n"
        "Subject: Grüße\r\n"
        "Message-ID: <ü@example.com>\r\n"
        "\r\n"
        "Grüße\r\n"
    ).encode(),
}


def put(user: User, name: str, count: int = 1) -> None:
    """Put letters into a user's INBOX: one of `LETTERS`, or numbered ones for INBOX."""
    if name == "INBOX":
        add_numbered(user.pk, count)
    else:
        for _ in range(count):
            add_message(user.pk, LETTERS[name])


def pop3_login(client: Client, address: str, password: str) -> None:
    """Sign in as POP3 does."""
    client.send(f"USER {address}")
    assert client.line().startswith("+OK")
    client.send(f"PASS {password}")
    answer = client.line()
    assert answer.startswith("+OK"), answer


def said(client: Client, line: str) -> str:
    """Say a line and return the first line of the answer."""
    client.send(line)
    return client.line()


@pytest.fixture
def server(transactional_db: None) -> Iterator[Running]:
    with listening(Service, "pop3", "pop3s") as one:
        yield one


@pytest.fixture
def stranger(server: Running) -> Iterator[Client]:
    with closing(Client(server.ports["pop3"])) as client:
        yield client


@pytest.fixture
def member(alice: User, server: Running) -> Iterator[Client]:
    """Alice, signed in before the test puts anything into her INBOX."""
    with closing(Client(server.ports["pop3"])) as client:
        pop3_login(client, alice.address, PASSWORD)
        yield client


@contextmanager
def session(server: Running, user: User) -> Iterator[poplib.POP3]:
    """A signed-in client; the connection just ends unless the block says quit."""
    client = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=15)
    try:
        client.user(user.address)
        client.pass_(PASSWORD)
        yield client
    finally:
        client.close()


def knock(server: Running, user: User) -> str:
    """Sign in on a connection of its own; the answer to PASS."""
    with closing(Client(server.ports["pop3"])) as client:
        said(client, f"USER {user.address}")
        answer = said(client, f"PASS {PASSWORD}")
        if answer.startswith("+OK"):
            assert said(client, "QUIT").startswith("+OK")
        return answer


def opens(server: Running, user: User) -> Callable[[], bool]:
    """A condition: the user can sign in."""
    return lambda: knock(server, user).startswith("+OK")
