"""Messages on the wire, and what servers without extensions cannot take."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.remote.content import Content, Fitted, fit, split
from apps.remote.greeting import Peer
from apps.remote.types import Envelope, Recipient
from tests.remote.ground import TEXT, envelope

ALL = {"pipelining": "", "size": "1000", "8bitmime": "", "smtputf8": "", "dsn": ""}
EIGHT_BIT = "Subject: hello\r\n\r\nGrüße\r\n".encode()
UTF8_HEADER = "Subject: Grüße\r\n\r\nhello\r\n".encode()


def peer(extensions: dict[str, str], *, can_require_tls: bool = False) -> Peer:
    wire = SimpleNamespace()
    verdict = SimpleNamespace(tls="")
    session = SimpleNamespace(wire=wire)
    return Peer(session, "mx.test", "", extensions, False, verdict, can_require_tls)  # type: ignore[arg-type]


def fitted(wanted: Envelope, extensions: dict[str, str], **more: bool) -> Fitted:
    return fit(peer(extensions, **more), wanted, Content(wanted.text))


def refusals(found: Fitted) -> dict[str, str]:
    return {recipient.address: unfit.status for recipient, unfit in found.unfit}


@given(st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a", b"\0"]), max_size=40))
def test_it_never_ends_a_message_early(parts: list[bytes]) -> None:
    stuffed = Content(b"".join(parts)).stuffed
    assert stuffed.endswith(b"\r\n")
    assert b"\0" not in stuffed
    assert stuffed.count(b"\r\n") == stuffed.count(b"\r") == stuffed.count(b"\n")
    assert b"\r\n.\r\n" not in b"\r\n" + stuffed
    for line in stuffed.split(b"\r\n"):
        assert not line.startswith(b".") or line.startswith(b"..")


def test_it_leaves_good_text_as_it_is() -> None:
    assert Content(TEXT).stuffed == TEXT
    assert Content(b".\r\n..\r\n").stuffed == b"..\r\n...\r\n"
    assert Content(b".\r\n..\r\n").size == 7
    assert Content(b"").stuffed == b"\r\n"


def test_it_says_what_the_server_understands() -> None:
    wanted = Envelope(
        "alice@example.test",
        (Recipient(1, "bob@example.org", "rfc822;bob@old.example", "SUCCESS,FAILURE"),),
        TEXT,
        envid="QQ314159",
        ret="HDRS",
    )
    found = fitted(wanted, ALL)
    size = len(TEXT)
    assert found.mail == (
        f"MAIL FROM:<alice@example.test> SIZE={size} RET=HDRS ENVID=QQ314159".encode()
    )
    assert [one.command for one in found.rcpts] == [
        b"RCPT TO:<bob@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@old.example"
    ]
    plain = fitted(wanted, {})
    assert plain.mail == b"MAIL FROM:<alice@example.test>"
    assert [one.command for one in plain.rcpts] == [b"RCPT TO:<bob@example.org>"]


@pytest.mark.parametrize(
    ("bad", "envid"),
    [
        ("a b", b" ENVID=a+20b"),
        ("a+b=c", b" ENVID=a+2Bb+3Dc"),
        ("a\r\nRCPT TO:<x@y>", b" ENVID=a+0D+0ARCPT+20TO:<x@y>"),
        ("a\0", b" ENVID=a+00"),
        ("é", b" ENVID=+C3+A9"),
        ("x" * 501, b""),
    ],
)
def test_it_writes_no_parameter_that_would_break_a_command(bad: str, envid: bytes) -> None:
    wanted = Envelope(
        "", (Recipient(1, "bob@example.org", bad, f"{bad}\r\n"),), TEXT, envid=bad, ret="FULL\r\nX"
    )
    found = fitted(wanted, {"dsn": ""})
    assert found.mail == b"MAIL FROM:<>" + envid
    assert found.rcpts[0].command == b"RCPT TO:<bob@example.org>"


def test_it_quotes_addresses() -> None:
    found = fitted(envelope('"a b>c"@example.org', sender='"x y"@example.test'), {})
    assert found.mail == b'MAIL FROM:<"x y"@example.test>'
    assert found.rcpts[0].command == b'RCPT TO:<"a b>c"@example.org>'


@pytest.mark.parametrize(
    "address",
    ["", "bob", "bob@", "@example.org", "b\r\nDATA@example.org", "b\0@x.org", "a@b@c", "x" * 300],
)
def test_it_refuses_what_cannot_be_an_address(address: str) -> None:
    found = fitted(envelope(address, "bob@example.org"), ALL)
    assert refusals(found) == {address: "5.1.3"}
    assert len(found.rcpts) == 1


def test_it_refuses_a_sender_that_cannot_be_one() -> None:
    found = fitted(envelope("bob@example.org", "bea@example.org", sender="a\nb@x"), ALL)
    assert refusals(found) == {"bob@example.org": "5.1.7", "bea@example.org": "5.1.7"}
    assert not found.rcpts


def test_it_sends_8bit_text_only_where_it_is_taken() -> None:
    wanted = envelope(text=EIGHT_BIT)
    assert b" BODY=8BITMIME" in fitted(wanted, ALL).mail
    assert refusals(fitted(wanted, {"smtputf8": ""})) == {"bob@example.org": "5.6.3"}
    assert fitted(envelope(), {}).mail == b"MAIL FROM:<alice@example.test>"


def test_it_sends_internationalized_mail_only_where_it_is_taken() -> None:
    wanted = envelope("grüße@example.org", "bob@example.org", sender="zoë@example.test")
    found = fitted(wanted, ALL)
    assert found.mail.startswith("MAIL FROM:<zoë@example.test> SIZE=".encode())
    assert found.mail.endswith(b" SMTPUTF8")
    assert found.rcpts[0].command == "RCPT TO:<grüße@example.org>".encode()
    assert set(refusals(fitted(wanted, {"8bitmime": ""})).values()) == {"5.6.7"}


def test_it_refuses_the_one_recipient_that_needs_smtputf8() -> None:
    wanted = envelope("grüße@example.org", "bob@example.org")
    found = fitted(wanted, {"8bitmime": ""})
    assert refusals(found) == {"grüße@example.org": "5.6.7"}
    assert [one.recipient.address for one in found.rcpts] == ["bob@example.org"]


def test_it_does_without_smtputf8_when_nothing_needs_it() -> None:
    assert not fitted(envelope(smtputf8=True), {}).unfit
    assert b"SMTPUTF8" not in fitted(envelope(smtputf8=True), ALL).mail
    # 8-bit text below an ASCII header is MIME's business, not SMTPUTF8's.
    assert not fitted(envelope(text=EIGHT_BIT, smtputf8=True), {"8bitmime": ""}).unfit
    internationalized = envelope(text=UTF8_HEADER, smtputf8=True)
    assert refusals(fitted(internationalized, {"8bitmime": ""})) == {"bob@example.org": "5.6.9"}
    assert b" SMTPUTF8" in fitted(internationalized, ALL).mail


def test_it_does_not_send_what_is_too_big() -> None:
    size = len(TEXT)
    assert refusals(fitted(envelope(), {"size": str(size - 1)})) == {"bob@example.org": "5.3.4"}
    for fine in (str(size), "0", "", "x", "9" * 40):
        assert not fitted(envelope(), {"size": fine}).unfit


def test_it_requires_tls_of_those_who_can_promise_it() -> None:
    wanted = envelope(requires_tls=True)
    found = fitted(wanted, ALL, can_require_tls=True)
    assert found.mail.endswith(b" REQUIRETLS")
    assert refusals(fitted(wanted, ALL)) == {"bob@example.org": "5.7.30"}


@pytest.mark.parametrize(
    ("limits", "lots"),
    [
        ("", [5]),
        ("RCPTMAX=2", [2, 2, 1]),
        ("MAILMAX=9 RCPTMAX=4 RCPTDOMAINMAX=1", [2, 1, 2]),
        ("RCPTMAX=0 RCPTDOMAINMAX=x", [5]),
        ("rcptmax=1", [1, 1, 1, 1, 1]),
    ],
)
def test_it_splits_recipients_by_the_servers_limits(limits: str, lots: list[int]) -> None:
    to = ["a@one.org", "b@one.org", "c@two.org", "d@one.org", "e@one.org"]
    server = peer({"limits": limits})
    found = fit(server, envelope(*to), Content(TEXT))
    assert [len(lot) for lot in split(server, found.rcpts, 100)] == lots
