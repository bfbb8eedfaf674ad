"""The door for our own users: signing in, who may send as whom, what is added and hidden."""

import json
import logging
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.directory.models import User, UserState
from apps.provisioning import services as provisioning
from tests.smtp.queue import only, queued
from tests.support.smtp_dialogue import PASSWORD, Client, Running, base64, plain, running

LETTER = b"From: Alice <alice@example.test>\r\nTo: bob@example.test\r\nSubject: x\r\n\r\nHi.\r\n"


@pytest.fixture
def door(submission: Running, alice: User) -> Running:
    """Both doors, and Alice to use them."""
    return submission


@pytest.fixture
def secure(door: Running) -> Iterator[Client]:
    """A client under TLS that has not signed in."""
    with door.ready("submissions") as client:
        yield client


def send(client: Client, sender: str, recipient: str, letter: bytes = LETTER) -> int:
    """Send a message as far as it is let; return the last code."""
    for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
        answer = client.ask(line)
        if answer.code >= 400:
            return answer.code
    return client.text(letter).code


def test_it_submits_a_message(door: Running, alice: User, bob: User) -> None:
    with door.signed_in() as client:
        assert send(client, "alice@example.test", "bob@example.test") == 250
        assert client.ask("QUIT").code == 221
    message = only()
    assert (message.row.door, message.row.user_id) == ("submission", alice.pk)
    assert message.raw == LETTER
    assert b"with ESMTPSA id" in message.prefix
    assert message.prefix.startswith(b"Received: by mail.example.test with ")
    # Where Alice sits, and how her machine is called, is nobody's business.
    assert b"127.0.0.1" not in message.prefix
    assert b"me.test" not in message.prefix
    assert b"\r\nDate: " in message.prefix
    assert b"\r\nMessage-ID: <" in message.prefix


def test_it_submits_over_implicit_tls_with_login(secure: Client, bob: User) -> None:
    secure.run(
        f"""
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: {base64("alice@example.test")}
        S: 334 UGFzc3dvcmQ6
        C: {base64(PASSWORD)}
        S: 235 2.7.0
        """
    )
    assert send(secure, "alice@example.test", "bob@example.test") == 250


def test_it_offers_auth_under_tls_only(door: Running) -> None:
    with door.client("submission") as client:
        assert not [line for line in client.ask("EHLO x").lines if "AUTH" in line]
        client.starttls()
        assert "AUTH SCRAM-SHA-256 PLAIN LOGIN OAUTHBEARER XOAUTH2" in client.ask("EHLO x").lines
        assert client.ask(f"AUTH PLAIN {plain('alice@example.test')}").code == 235
        assert not [line for line in client.ask("EHLO x").lines if "AUTH" in line]


def test_it_takes_no_password_in_the_clear(door: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with door.ready("submission") as client:
        for response in (plain("alice@example.test"), plain("alice@example.test", "wrong")):
            assert client.ask(f"AUTH PLAIN {response}").starts("538 5.7.11")
        assert client.ask("AUTH LOGIN").starts("538 5.7.11")
        assert client.ask("MAIL FROM:<alice@example.test>").starts("530 5.7.0")
    assert "sign-in" not in caplog.text  # nobody looked at the passwords


def test_it_takes_one_from_this_machine_when_told_to(
    transactional_db: None, alice: User, settings: Settings
) -> None:
    settings.CLEARTEXT_AUTH = "loopback"
    with running("submission") as door, door.ready("submission") as client:
        assert client.ask(f"AUTH PLAIN {plain('alice@example.test')}").code == 235
        assert send(client, "alice@example.test", "alice@example.test") == 250
    assert b"with ESMTPA id" in only().prefix


@pytest.mark.parametrize("recipient", ["alice@example.test", "v@relaytest.invalid", "postmaster"])
def test_it_takes_no_mail_without_sign_in(secure: Client, recipient: str) -> None:
    assert secure.ask("MAIL FROM:<alice@example.test>").starts("530 5.7.0")
    assert secure.ask(f"RCPT TO:<{recipient}>").starts("503 5.5.1")
    assert secure.ask("DATA").starts("503 5.5.1")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"AUTH PLAIN {plain('alice@example.test', 'wrong')}", "535 5.7.8"),
        (f"AUTH PLAIN {plain('nobody@example.test')}", "535 5.7.8"),
        (f"AUTH PLAIN {plain('alice@example.test', authzid='bob@example.test')}", "535 5.7.8"),
        (f"AUTH PLAIN {plain('alice@example.test', authzid='Alice@example.test')}", "235 2.7.0"),
        ("AUTH PLAIN !!!", "501 5.5.2"),
        ("AUTH PLAIN AAAA", "501 5.5.2"),
        ("AUTH PLAIN =", "501 5.5.2"),
        ("AUTH CRAM-MD5", "504 5.5.4"),
        ("AUTH", "501 5.5.4"),
        ("AUTH PLAIN a b", "501 5.5.4"),
    ],
)
def test_it_answers_every_sign_in(secure: Client, line: str, code: str) -> None:
    assert secure.ask(line).starts(code)


def test_it_lets_a_client_change_its_mind(secure: Client) -> None:
    secure.run(
        f"""
        C: AUTH PLAIN
        S: 334
        C: *
        S: 501 5.7.0
        C: AUTH LOGIN {base64("alice@example.test")}
        S: 334
        C: *
        S: 501 5.7.0
        C: AUTH PLAIN
        S: 334
        C: {plain("alice@example.test")}
        S: 235 2.7.0
        C: AUTH PLAIN {plain("alice@example.test")}
        S: 503 5.5.1
        C: MAIL FROM:<alice@example.test>
        S: 250
        C: AUTH PLAIN
        S: 503 5.5.1
        """
    )


def test_it_ends_guessing(secure: Client) -> None:
    codes = [secure.ask(f"AUTH PLAIN {plain('alice@example.test', str(n))}").code for n in range(5)]
    assert codes == [535, 535, 535, 535, 421]
    assert secure.is_closed()


def test_it_survives_cancelled_exchanges_without_end(secure: Client) -> None:
    codes = [answer.code for answer in secure.rest(sending=[b"AUTH LOGIN\r\n*\r\n" * 300])]
    assert codes == [334, 501] * 20 + [421]


def test_it_tells_a_suspended_user_only_after_the_right_password(
    secure: Client, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(state=UserState.SUSPENDED)
    assert secure.ask(f"AUTH PLAIN {plain(alice.address, 'wrong')}").starts("535 5.7.8")
    assert secure.ask(f"AUTH PLAIN {plain(alice.address)}").starts("535 5.7.13")


@pytest.mark.parametrize(
    "sender",
    [
        "bob@example.test",
        "BOB@example.test",
        "bob+x@example.test",
        "nobody@example.test",
        "eve@other.test",
        "alice@other.test",
        "alice@relaytest.invalid",
        "alice%other.test@example.test",
    ],
)
def test_it_lets_nobody_send_as_another(
    door: Running, alice: User, bob: User, eve: User, sender: str
) -> None:
    with door.signed_in() as client:
        assert client.ask(f"MAIL FROM:<{sender}>").starts("553 5.7.1")


@pytest.mark.parametrize(
    "sender", ["alice@example.test", "Alice+x@EXAMPLE.test", "a.l@example.test"]
)
def test_it_lets_users_send_as_themselves(door: Running, bob: User, sender: str) -> None:
    provisioning.add_alias("a.l@example.test", ["alice@example.test"])
    with door.signed_in() as client:
        assert send(client, sender, "bob@example.test") == 250


def test_it_takes_receipts_with_the_null_sender(door: Running, bob: User) -> None:
    with door.signed_in() as client:
        assert send(client, "", "bob@example.test") == 250
        forged = LETTER.replace(b"alice@", b"bob@")
        assert send(client, "", "bob@example.test", forged) == 553


@pytest.mark.parametrize(
    "author",
    [
        b"From: bob@example.test",
        b"From: Alice <alice@example.test>, bob@example.test",
        b'From: "alice@example.test" <bob@example.test>',
        b"From: alice@example.test\r\nFrom: bob@example.test",
        b"From: alice@example.test\r\nSender: bob@example.test",
        b"From: ",
    ],
)
def test_it_lets_nobody_forge_an_author(
    door: Running, alice: User, bob: User, author: bytes
) -> None:
    with door.signed_in() as client:
        letter = author + b"\r\nSubject: x\r\n\r\nHi.\r\n"
        assert send(client, "alice@example.test", "bob@example.test", letter) in {550, 553, 554}
    assert queued() == []


def test_it_hides_blind_copies(door: Running, alice: User, bob: User) -> None:
    letter = LETTER.replace(b"Subject", b"Bcc: bob@example.test,\r\n secret@x.test\r\nSubject")
    with door.signed_in() as client:
        client.run("C: MAIL FROM:<alice@example.test>\nS: 250")
        for name in ("alice", "bob"):
            assert client.ask(f"RCPT TO:<{name}@example.test>").code == 250
        assert client.ask("DATA").code == 354
        assert client.text(letter).code == 250
    message = only()
    shown = message.raw
    for start, end in reversed(json.loads(message.row.cuts)):
        shown = shown[:start] + shown[end:]
    assert b"Bcc" in message.raw
    assert b"secret" not in shown
    assert shown.startswith(LETTER)
    assert b"bob" not in message.prefix


def test_it_queues_mail_for_other_hosts(door: Running, alice: User) -> None:
    with door.signed_in() as client:
        assert send(client, "alice@example.test", "Friend@Outside.invalid") == 250
    assert only().recipients == (("Friend@outside.invalid", "Friend@outside.invalid", None),)
    assert only().row.recipients.get().route == "remote"


def test_it_refuses_unknown_local_recipients(door: Running, alice: User) -> None:
    with door.signed_in() as client:
        assert send(client, "alice@example.test", "nobody@example.test") == 550


def test_it_sends_no_nul_and_no_bare_newline_on(door: Running, bob: User) -> None:
    with door.signed_in() as client:
        for body in (b"a\r\n\0.\r\nb", b"a\n.\nb", b"a\r.\rb"):
            letter = LETTER + body
            assert send(client, "alice@example.test", "bob@example.test", letter) == 554
    assert queued() == []


def test_it_logs_no_password(door: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with door.ready("submissions") as client:
        client.ask(f"AUTH PLAIN {plain('alice@example.test', 'hunter2-secret')}")
        client.run(f"C: AUTH LOGIN\nS: 334\nC: {base64('alice@example.test')}\nS: 334")
        client.ask(base64("hunter2-secret"))
        client.ask(f"AUTH PLAIN {plain('alice@example.test')}")
    everything = "".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    for secret in ("hunter2", base64("hunter2-secret"), PASSWORD, plain("alice@example.test")):
        assert secret not in everything


@pytest.mark.parametrize("sender", ["alice@example.test", ""])
@pytest.mark.parametrize("change", ["password", "suspended", "removed"])
def test_it_ends_the_connection_of_a_user_whose_sign_in_no_longer_holds(
    door: Running, alice: User, bob: User, sender: str, change: str
) -> None:
    """A thief who is connected must not go on sending after the password was changed."""
    with door.signed_in() as client:
        assert send(client, "alice@example.test", "bob@example.test") == 250
        if change == "password":
            provisioning.set_password(alice, "another long password")
        elif change == "suspended":
            provisioning.suspend_user("alice@example.test")
        else:
            provisioning.remove_user("alice@example.test")
        assert client.ask(f"MAIL FROM:<{sender}>").code == 421
        assert client.is_closed()
