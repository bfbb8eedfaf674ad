"""Signing in by SCRAM and with app passwords, at the door."""

import base64
from contextlib import closing

import pytest

from apps.directory.models import User
from apps.directory.services import apppasswords
from tests.conftest import PASSWORD
from tests.support.dialogue import Client
from tests.support.imap_server import RunningServer
from tests.support.scram_client import ScramClient

pytestmark = pytest.mark.django_db(transaction=True)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def scram(client: Client, username: str, password: str) -> str:
    """Sign in with an initial response (RFC 4959); the tagged answer."""
    side = ScramClient(username, password, "nonce")
    client.send(f"x AUTHENTICATE SCRAM-SHA-256 {b64(side.first())}")
    offered = client.line()
    assert offered.startswith("+ ")
    client.send(b64(side.final(base64.b64decode(offered[2:]))))
    told = client.line()
    if not told.startswith("+ "):
        return told
    assert side.is_convinced(base64.b64decode(told[2:]))
    client.send("")
    return client.line()


def test_it_signs_in_by_scram(alice: User, server: RunningServer) -> None:
    with closing(Client(server.port)) as client:
        assert "AUTH=SCRAM-SHA-256" in client.greeting
        assert scram(client, "alice@example.test", PASSWORD).startswith("x OK [CAPABILITY")
        client.send("y SELECT INBOX")
        assert client.line().startswith("* ")


@pytest.mark.parametrize("username", ["alice@example.test", "nobody@example.test"])
def test_it_refuses_a_wrong_proof_the_same_for_all(
    alice: User, server: RunningServer, username: str
) -> None:
    with closing(Client(server.port)) as client:
        answer = scram(client, username, "wrong")
        assert answer.startswith("x NO [AUTHENTICATIONFAILED]")


def test_it_ends_guessing_by_scram(alice: User, server: RunningServer) -> None:
    with closing(Client(server.port)) as client:
        answers: list[str] = []
        while not answers or answers[-1].startswith("x NO"):
            answers.append(scram(client, "alice@example.test", "wrong"))
        assert 1 < len(answers) < 10
        assert answers[-1].startswith("* BYE")


def test_it_lets_a_client_break_scram_off(alice: User, server: RunningServer) -> None:
    with closing(Client(server.port)) as client:
        client.send("x AUTHENTICATE SCRAM-SHA-256")
        assert client.line().startswith("+")
        client.send("*")
        assert client.line().startswith("x BAD Authentication ended: cancelled")
        assert scram(client, "alice@example.test", PASSWORD).startswith("x OK")


def test_it_signs_in_with_an_app_password_until_it_is_removed(
    alice: User, server: RunningServer
) -> None:
    _, text = apppasswords.create(user=alice, name="Phone", protocols=["imap"])
    with closing(Client(server.port)) as one, closing(Client(server.port)) as other:
        one.send(f'x LOGIN alice@example.test "{text}"')
        assert one.line().startswith("x OK")
        assert scram(other, "alice@example.test", PASSWORD).startswith("x OK")
        apppasswords.revoke(user=alice, name="Phone")
        assert one.line().startswith("* BYE [EXPIRED]")
        other.send("y NOOP")  # whoever has the password itself stays
        assert other.line().startswith("y OK")


def test_it_refuses_an_app_password_for_something_else(alice: User, server: RunningServer) -> None:
    _, text = apppasswords.create(user=alice, name="Scanner", protocols=["smtp"])
    with closing(Client(server.port)) as client:
        client.send(f'x LOGIN alice@example.test "{text}"')
        assert client.line().startswith("x NO [AUTHENTICATIONFAILED]")
        assert scram(client, "alice@example.test", text).startswith("x NO [AUTHENTICATIONFAILED]")
