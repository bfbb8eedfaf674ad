"""aiosmtpd's contract: its Controller runs our protocol, its handlers work behind it."""

import asyncio
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from apps.smtp.proto.limits import Limits
from apps.smtp.rules import Rules
from apps.smtp.server import Service, SmtpProtocol

LETTER = b"Subject: x\r\n\r\nhi\r\n"
RULES = Rules(door="mx", hostname="mail.example.test", limits=Limits(tarpit_seconds=0.0))


class Handler:
    """A handler as aiosmtpd's documentation shows them: status strings, envelope attributes."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, name: str, responses: list[str]
    ) -> list[str]:
        session.host_name = name
        return [*responses[:-1], "250-XSTOCK", responses[-1]]

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("not"):
            return "550 5.1.1 not relaying to that domain"
        self.seen.append(("RCPT", address, list(options)))
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        self.seen.append(
            (envelope.mail_from, envelope.rcpt_tos, envelope.content, session.host_name)
        )
        return "250 Message accepted for delivery"

    async def authenticate(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=data.password == b"right", auth_data=data.login)


class OurController(Controller):
    """aiosmtpd's Controller with our protocol."""

    def __init__(self, handler: object, rules: Rules) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        super().__init__(handler, hostname="127.0.0.1", port=port)
        self.rules = rules

    def factory(self) -> SmtpProtocol:
        return Service(self.rules, self.handler).factory()


@contextmanager
def controlled(handler: object, rules: Rules = RULES) -> Iterator[smtplib.SMTP]:
    controller = OurController(handler, rules)
    controller.start()
    try:
        with smtplib.SMTP("127.0.0.1", controller.port, timeout=10) as client:
            yield client
    finally:
        controller.stop()


def test_it_serves_a_stock_handler() -> None:
    handler = Handler()
    with controlled(handler) as client:
        client.ehlo("me.test")
        assert client.has_extn("xstock")
        assert client.has_extn("pipelining")
        refused = client.sendmail(
            "a@x.test",
            ["b@y.test", "not@y.test"],
            LETTER,
            [],
            ["NOTIFY=NEVER"],
        )
    assert refused == {"not@y.test": (550, b"5.1.1 not relaying to that domain")}
    assert handler.seen == [
        ("RCPT", "b@y.test", ["NOTIFY=NEVER"]),
        ("a@x.test", ["b@y.test"], LETTER, "me.test"),
    ]


def test_it_asks_a_stock_authenticator() -> None:
    rules = Rules("submission", "mail.example.test", auth=True, cleartext_loopback=True)
    with controlled(Handler(), rules) as client:
        client.ehlo("me.test")
        with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
            client.login("u", "wrong")
        assert client.login("u", "right") == (235, b"2.7.0 Signed in")


def test_it_answers_for_a_handler_that_fails() -> None:
    class Broken(Handler):
        async def handle_DATA(  # noqa: N802
            self, server: Any, session: Session, envelope: Envelope
        ) -> str:
            raise RuntimeError("secret")

    with controlled(Broken()) as client, pytest.raises(smtplib.SMTPDataError) as raised:
        client.sendmail("a@x.test", ["b@y.test"], b"x")
    assert raised.value.smtp_code == 451
    assert "secret" not in str(raised.value)


async def test_it_makes_protocols_cheaply() -> None:
    service = Service(RULES, Handler())
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(1_000):
        service.factory()
    assert loop.time() - began < 0.1  # stock aiosmtpd: 130 µs and more for each
