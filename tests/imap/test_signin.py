"""Signing in by SCRAM, with app passwords and with tokens, at the door."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.directory import history
from apps.directory.models import Demand, User
from apps.directory.services import apppasswords, signinrules, tokens, users
from apps.directory.services.signinrules import SignInRules
from apps.runtime import db
from tests.conftest import PASSWORD
from tests.support.channel import bound, oauthbearer, xoauth2
from tests.support.dialogue import Client, trusting
from tests.support.identity_provider import ISSUER, identity_provider
from tests.support.imap_server import RunningServer
from tests.support.scram_client import ScramClient
from tests.support.services import free_port
from tests.support.test_ca import Authority

pytestmark = pytest.mark.django_db(transaction=True)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def plain(username: str, password: str) -> str:
    return b64(f"\0{username}\0{password}".encode())


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


def test_it_takes_app_passwords_alone_once_there_is_a_second_factor(
    alice: User, server: RunningServer
) -> None:
    _, text = apppasswords.create(user=alice, name="Phone", protocols=["imap"])
    with closing(Client(server.port)) as one, closing(Client(server.port)) as other:
        one.send(f'x LOGIN alice@example.test "{PASSWORD}"')
        assert one.line().startswith("x OK")
        users.set_has_factor(user_id=alice.pk, value=True)
        assert one.line().startswith("* BYE [EXPIRED]")

        answers = set()
        for password in (PASSWORD, "wrong"):
            other.send(f'x LOGIN alice@example.test "{password}"')
            answers.add(other.line())
            other.send(f"x AUTHENTICATE PLAIN {plain('alice@example.test', password)}")
            answers.add(other.line())
        assert answers == {"x NO [AUTHENTICATIONFAILED] Authentication failed"}
    with closing(Client(server.port)) as client:
        assert answers == {scram(client, "alice@example.test", PASSWORD)}
        assert answers == {scram(client, "alice@example.test", "wrong")}
        assert scram(client, "alice@example.test", text).startswith("x OK")


def test_it_ends_main_passwords_once_a_demand_is_due(alice: User, server: RunningServer) -> None:
    _, text = apppasswords.create(user=alice, name="Phone", protocols=["imap"])
    with closing(Client(server.port)) as one, closing(Client(server.port)) as other:
        for client, password in ((one, PASSWORD), (other, text)):
            client.send(f'x LOGIN alice@example.test "{password}"')
            assert client.line().startswith("x OK")
        rules = SignInRules(factor_demand=Demand.EVERYBODY)
        signinrules.change(name="example.test", rules=rules)
        assert one.line().startswith("* BYE [EXPIRED]")
        other.send("y NOOP")
        assert other.line().startswith("y OK")


def test_it_notes_what_the_client_calls_itself(alice: User, server: RunningServer) -> None:
    with closing(Client(server.port)) as client:
        client.send('i ID ("name" "Tester" "version" "7")')
        client.line(), client.line()
        client.send(f'x LOGIN alice@example.test "{PASSWORD}"')
        assert client.line().startswith("x OK")
    db.shutdown()  # waits for what was handed to its threads
    (row,) = history.of_user(alice.pk).rows
    assert (row.outcome, row.door, row.client, row.address) == (
        "ok",
        "imap",
        "Tester 7",
        "127.0.0.1",
    )


# -- under TLS ------------------------------------------------------------------------------------


@contextmanager
def secure(server: RunningServer, name: str = "localhost") -> Iterator[Client]:
    """A client that came through STARTTLS, and asked for this name."""
    with closing(Client(server.port)) as client:
        client.send("t STARTTLS")
        assert client.line().startswith("t OK")
        client.secure(trusting(), name)
        yield client


def plus(client: Client, side: ScramClient, mechanism: str = "SCRAM-SHA-256-PLUS") -> str:
    """Sign in; the last answer."""
    client.send(f"x AUTHENTICATE {mechanism} {b64(side.first())}")
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


def capabilities(client: Client) -> set[str]:
    client.send("c CAPABILITY")
    words = set(client.line().split())
    assert client.line().startswith("c OK")
    return words


BEARER = {"AUTH=SCRAM-SHA-256-PLUS", "AUTH=OAUTHBEARER", "AUTH=XOAUTH2"}


def test_it_offers_what_needs_tls_under_tls_alone(alice: User, server: RunningServer) -> None:
    with closing(Client(server.port)) as client:
        assert not BEARER & capabilities(client)
        for name in ("SCRAM-SHA-256-PLUS", "OAUTHBEARER", "XOAUTH2"):
            client.send(f"x AUTHENTICATE {name}")
            assert client.line().startswith("x NO [CANNOT]")
    with secure(server) as client:
        assert capabilities(client) >= BEARER


def test_it_signs_in_who_sees_our_certificate(alice: User, server: RunningServer) -> None:
    with secure(server) as client:
        answer = plus(client, bound(client.socket, "alice@example.test", PASSWORD))
        assert answer.startswith("x OK [CAPABILITY")


@pytest.mark.parametrize(
    ("header", "mechanism", "answer"),
    [
        ("p=tls-server-end-point,,", "SCRAM-SHA-256-PLUS", "NO [AUTHENTICATIONFAILED]"),
        ("p=tls-unique-for-telnet,,", "SCRAM-SHA-256-PLUS", "NO [AUTHENTICATIONFAILED]"),
        ("y,,", "SCRAM-SHA-256", "NO [AUTHENTICATIONFAILED]"),
        ("n,,", "SCRAM-SHA-256-PLUS", "BAD"),
        ("n,,", "SCRAM-SHA-256", "OK"),
    ],
)
def test_it_notices_somebody_in_between(
    alice: User, server: RunningServer, header: str, mechanism: str, answer: str
) -> None:
    octets = b"" if header.startswith(("n", "y")) else b"another certificate"
    side = ScramClient("alice@example.test", PASSWORD, "nonce", header=header, bound=octets)
    with secure(server) as client:
        assert plus(client, side, mechanism).startswith(f"x {answer}")


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_it_signs_in_with_a_token_until_it_is_revoked(
    alice: User, server: RunningServer, mechanism: str
) -> None:
    _, token = tokens.issue(user=alice, name="Backup")
    line = {"OAUTHBEARER": oauthbearer, "XOAUTH2": xoauth2}[mechanism]("alice@example.test", token)
    with secure(server) as client, secure(server) as other:
        client.send(f"x AUTHENTICATE {mechanism} {line}")
        assert client.line().startswith("x OK [CAPABILITY")
        other.send(f"x AUTHENTICATE {mechanism}")
        assert other.line() == "+ "
        other.send(line)
        assert other.line().startswith("x OK [CAPABILITY")
        tokens.revoke(user=alice, name="Backup")
        assert client.line().startswith("* BYE [EXPIRED]")


@pytest.mark.parametrize("end", ["AQ==", "*", ""])
def test_it_speaks_the_failed_exchange_of_rfc_7628(
    alice: User, server: RunningServer, end: str
) -> None:
    """Section 4.3: the client asks for the scope, hears it, and ends."""
    with secure(server, "server.example.com") as client:
        client.send(
            "t1 AUTHENTICATE OAUTHBEARER bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUu"
            "Y29tAXBvcnQ9MTQzAWF1dGg9AQE="
        )
        assert client.line() == "+ " + b64(b'{"status":"invalid_token"}')
        client.send(end)
        assert client.line().startswith("t1 NO [AUTHENTICATIONFAILED]")
        client.send("t2 NOOP")
        assert client.line().startswith("t2 OK")


def test_it_takes_no_token_for_another_host(alice: User, server: RunningServer) -> None:
    _, token = tokens.issue(user=alice, name="Backup")
    with secure(server, "mail.example.test") as client:
        line = oauthbearer("alice@example.test", token, "mail.example.net")
        client.send(f"x AUTHENTICATE OAUTHBEARER {line}")
        assert client.line() == "+ " + b64(b'{"status":"invalid_request"}')
        client.send("AQ==")
        assert client.line().startswith("x NO [AUTHENTICATIONFAILED]")


def test_it_signs_in_with_the_token_of_an_identity_provider(
    alice: User, server: RunningServer, tmp_path: Path, settings: Settings
) -> None:
    authority = Authority(tmp_path)
    with identity_provider(authority.server("localhost").context) as provider:
        settings.EXTRA_CA = authority.file
        for name, value in provider.settings_for_keys().items():
            setattr(settings, name, value)
        with secure(server) as client:
            wrong = oauthbearer("alice@example.test", provider.sign(aud="https://else.test"))
            client.send(f"x AUTHENTICATE OAUTHBEARER {wrong}")
            told = json.loads(base64.b64decode(client.line().removeprefix("+ ")))
            assert told == {
                "status": "invalid_token",
                "openid-configuration": f"{ISSUER}/.well-known/openid-configuration",
            }
            client.send("AQ==")
            assert client.line().startswith("x NO [AUTHENTICATIONFAILED]")
            client.send(
                "x AUTHENTICATE OAUTHBEARER " + oauthbearer("alice@example.test", provider.sign())
            )
            assert client.line().startswith("x OK [CAPABILITY")
        settings.OAUTH_JWKS_URL = f"https://localhost:{free_port()}/keys"
        with secure(server) as client:
            line = xoauth2("alice@example.test", provider.sign())
            client.send(f"x AUTHENTICATE XOAUTH2 {line}")
            assert client.line().startswith("x NO [UNAVAILABLE]")


def test_it_ends_guessing_of_tokens(alice: User, server: RunningServer) -> None:
    with secure(server) as client:
        answers: list[str] = []
        while not answers or answers[-1].startswith("x NO"):
            client.send(f"x AUTHENTICATE XOAUTH2 {xoauth2('alice@example.test', 'mht_guess')}")
            assert client.line().startswith("+ ")
            client.send("")
            answers.append(client.line())
        assert 1 < len(answers) < 10
        assert answers[-1].startswith("* BYE")
