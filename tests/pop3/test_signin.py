"""Signing in by SCRAM, with app passwords and with tokens, at the door."""

import base64
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from apps.directory.models import User
from apps.directory.services import apppasswords, tokens, users
from tests.conftest import PASSWORD
from tests.pop3.conftest import Running
from tests.support.channel import bound, oauthbearer, xoauth2
from tests.support.dialogue import Client, trusting
from tests.support.scram_client import ScramClient

pytestmark = pytest.mark.django_db(transaction=True)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def scram(client: Client, username: str, password: str) -> str:
    """Sign in; the last answer."""
    return prove(client, ScramClient(username, password, "nonce"), "SCRAM-SHA-256")


def prove(client: Client, side: ScramClient, mechanism: str) -> str:
    client.send(f"AUTH {mechanism} {b64(side.first())}")
    offered = client.line()
    if not offered.startswith("+ "):
        return offered
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


def test_it_takes_app_passwords_alone_once_there_is_a_second_factor(
    alice: User, server: Running
) -> None:
    _, text = apppasswords.create(user=alice, name="Phone", protocols=["pop3"])
    _, other = apppasswords.create(user=alice, name="Tablet", protocols=["imap"])
    users.set_has_factor(user_id=alice.pk, value=True)
    answers = set()
    for password in (PASSWORD, "wrong", other):
        with closing(Client(server.ports["pop3"])) as client:
            client.send("USER alice@example.test")
            client.line()
            client.send(f"PASS {password}")
            answers.add(client.line())
            answers.add(scram(client, "alice@example.test", password))
    assert answers == {"-ERR [AUTH] Authentication failed"}
    with closing(Client(server.ports["pop3"])) as client:
        assert scram(client, "alice@example.test", text) == "+OK 0 messages"


# -- under TLS ------------------------------------------------------------------------------------


@contextmanager
def secure(server: Running) -> Iterator[Client]:
    """A client that came through STLS."""
    with closing(Client(server.ports["pop3"])) as client:
        client.send("STLS")
        assert client.line().startswith("+OK")
        client.secure(trusting(), "localhost")
        yield client


def test_it_binds_to_its_tls(alice: User, server: Running) -> None:
    with secure(server) as client:
        side = bound(client.socket, "alice@example.test", PASSWORD)
        assert prove(client, side, "SCRAM-SHA-256-PLUS") == "+OK 0 messages"
    for header, mechanism in (("p=tls-server-end-point,,", "SCRAM-SHA-256-PLUS"), ("y,,", "")):
        with secure(server) as client:
            side = ScramClient("alice@example.test", PASSWORD, "nonce", header=header, bound=b"x")
            answer = prove(client, side, mechanism or "SCRAM-SHA-256")
            assert answer == "-ERR [AUTH] Authentication failed"


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_it_signs_in_with_a_token(alice: User, server: Running, mechanism: str) -> None:
    _, token = tokens.issue(user=alice, name="Backup", scopes=["pop3"])
    build = {"OAUTHBEARER": oauthbearer, "XOAUTH2": xoauth2}[mechanism]
    with closing(Client(server.ports["pop3"])) as client:  # in the clear it is not offered
        client.send(f"AUTH {mechanism} {build('alice@example.test', token)}")
        assert client.line() == "-ERR This mechanism is not offered"
    with secure(server) as client:
        client.send(f"AUTH {mechanism} {build('alice@example.test', token + 'x')}")
        assert b"status" in base64.b64decode(client.line().removeprefix("+ "))
        client.send("AQ==" if mechanism == "OAUTHBEARER" else "")
        assert client.line() == "-ERR [AUTH] Authentication failed"
        client.send(f"AUTH {mechanism} {build('alice@example.test', token)}")
        assert client.line() == "+OK 0 messages"
        tokens.revoke_all(user=alice)
        assert client.line().startswith("-ERR")
        assert client.line() == "(closed)"
