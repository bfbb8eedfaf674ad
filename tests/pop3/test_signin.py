"""Signing in by SCRAM and with app passwords, at the door."""

import base64
from contextlib import closing

import pytest

from apps.directory.models import User
from apps.directory.services import apppasswords
from tests.conftest import PASSWORD
from tests.pop3.conftest import Running
from tests.support.dialogue import Client
from tests.support.scram_client import ScramClient

pytestmark = pytest.mark.django_db(transaction=True)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def scram(client: Client, username: str, password: str) -> str:
    """Sign in; the last answer."""
    side = ScramClient(username, password, "nonce")
    client.send(f"AUTH SCRAM-SHA-256 {b64(side.first())}")
    offered = client.line()
    assert offered.startswith("+ ")
    client.send(b64(side.final(base64.b64decode(offered[2:]))))
    told = client.line()
    if not told.startswith("+ "):
        return told
    assert side.is_convinced(base64.b64decode(told[2:]))
    client.send("")
    return client.line()


@pytest.mark.parametrize("protocols", [(), ("pop3",)])
def test_it_signs_in_by_scram(alice: User, server: Running, protocols: tuple[str, ...]) -> None:
    _, text = apppasswords.create(user=alice, name="Phone", protocols=protocols)
    for password in (PASSWORD, text):
        with closing(Client(server.ports["pop3"])) as client:
            assert scram(client, "alice@example.test", password) == "+OK 0 messages"
            client.send("QUIT")
            assert client.line().startswith("+OK")


def test_it_refuses_a_wrong_proof_the_same_for_all(alice: User, server: Running) -> None:
    _, text = apppasswords.create(user=alice, name="Scanner", protocols=["smtp"])
    with closing(Client(server.ports["pop3"])) as client:
        answers = {
            scram(client, "alice@example.test", "wrong"),
            scram(client, "alice@example.test", text),
            scram(client, "nobody@example.test", PASSWORD),
        }
    assert len(answers) == 1
    assert answers.pop().startswith("-ERR [AUTH]")


def test_it_signs_in_with_an_app_password(alice: User, server: Running) -> None:
    _, text = apppasswords.create(user=alice, name="Phone")
    with closing(Client(server.ports["pop3"])) as client:
        client.send("USER alice@example.test")
        client.line()
        client.send(f"PASS {text}")
        assert client.line() == "+OK 0 messages"
        apppasswords.revoke(user=alice, name="Phone")
        assert client.line().startswith("-ERR")
        assert client.line() == "(closed)"
