"""RCPT for who is not, or not only, here: relay domains, forwards, rewritten senders, loops."""

import time
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from apps.directory.models import Domain, RelayCheck, User
from apps.directory.services import forwards, relay
from apps.mailauth import srs
from apps.mailqueue.models import QueuedRecipient
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.runtime import sealing
from tests.smtp.queue import only, queued
from tests.support.dns_server import DnsServer
from tests.support.smtp_dialogue import Client, Running
from tests.support.smtp_sink import CLOSE, SmtpSink

OUT = "out@elsewhere.test"
LETTER = b"Subject: x\r\nFrom: carol@outside.test\r\n\r\nx\r\n"


def rcpt(client: Client, *addresses: str) -> list[str]:
    client.ask("RSET")
    assert client.ask("MAIL FROM:<carol@outside.test>").code == 250
    return [str(client.ask(f"RCPT TO:<{address}>"))[:9] for address in addresses]


def send(client: Client, *addresses: str, text: bytes = LETTER) -> str:
    rcpt(client, *addresses)
    assert client.ask("DATA").code == 354
    return str(client.text(text))


@pytest.fixture
def sink(settings: Settings) -> Iterator[SmtpSink]:
    """The other server of example.test, found by MX."""
    with DnsServer() as dns, SmtpSink() as found:
        dns.mail("example.test", "127.0.0.1", host="mx.inner.test")
        settings.DNS_SERVERS = (dns.endpoint,)
        settings.SMTP_OUT_PORT = found.port
        settings.SMTP_OUT_PRIVATE = True
        settings.SMTP_OUT_IPV6 = False
        yield found


def set_relay(domain: Domain, check: RelayCheck, *recipients: str) -> None:
    relay.set_relay(domain=domain, check=check)
    if recipients:
        relay.add(domain=domain, recipients=recipients)


@pytest.mark.usefixtures("transactional_db")
def test_it_asks_the_server_of_a_relay_domain(
    sink: SmtpSink, smtp: Running, domain: Domain
) -> None:
    set_relay(domain, RelayCheck.CALL_AHEAD)
    sink.on("RCPT nobody@example.test", "550 5.1.1 no such user")
    sink.on("RCPT slow@example.test", "451 4.2.0 later")
    sink.on("RCPT blocked@example.test", "550 5.7.1 we do not like you")

    with smtp.ready() as client:
        for _ in range(2):
            assert rcpt(
                client,
                "There@example.test",
                "nobody@example.test",
                "slow@example.test",
                "blocked@example.test",
                "postmaster@example.test",
            ) == ["250 2.1.5", "550 5.1.1", "450 4.4.1", "450 4.4.1", "250 2.1.5"]
        assert send(client, "There@example.test").startswith("250 2.0.0")
    assert only().recipients == (("There@example.test", "There@example.test", None),)
    asked = [command for command in sink.commands if "RCPT" in command.upper()]
    assert len(asked) == 4
    assert not sink.messages


@pytest.mark.usefixtures("transactional_db")
def test_it_asks_again_later_when_the_server_is_away(
    sink: SmtpSink, smtp: Running, domain: Domain
) -> None:
    set_relay(domain, RelayCheck.CALL_AHEAD)
    sink.on("CONNECT", CLOSE)

    with smtp.ready() as client:
        assert rcpt(client, "x@example.test") == ["450 4.4.1"]
    assert queued() == []


def test_it_relays_by_the_list(smtp: Running, domain: Domain) -> None:
    set_relay(domain, RelayCheck.LIST, "there")

    with smtp.ready() as client:
        assert rcpt(client, "THERE@example.test", "nobody@example.test", "there@other.test") == [
            "250 2.1.5",
            "550 5.1.1",
            "550 5.7.1",
        ]


def test_it_sends_on_what_users_want_sent_on(smtp: Running, alice: User, bob: User) -> None:
    forwards.add(user=alice, target=OUT, keeps_copy=True)
    forwards.add(user=bob, target="far@elsewhere.test", keeps_copy=False)

    with smtp.ready() as client:
        assert send(client, "alice+x@example.test", "Bob@example.test").startswith("250")
    assert only().recipients == (
        ("alice@example.test", "alice+x@example.test", alice.pk),
        (OUT, "alice+x@example.test", None),
        ("far@elsewhere.test", "Bob@example.test", None),
    )


def test_it_tells_of_success_once_where_an_address_became_several(
    smtp: Running, alice: User, bob: User
) -> None:
    forwards.add(user=alice, target=OUT, keeps_copy=True)

    with smtp.ready() as client:
        client.ask("MAIL FROM:<carol@outside.test>")
        for name in ("alice", "bob"):
            address = f"<{name}@example.test>"
            assert client.ask(f"RCPT TO:{address} NOTIFY=SUCCESS,FAILURE").code == 250
        client.ask("DATA")
        client.text(LETTER)
    rows = QueuedRecipient.objects.order_by("id").values_list("address", "notify")
    assert list(rows) == [
        ("alice@example.test", "EXPANDED,FAILURE"),
        (OUT, "EXPANDED,FAILURE"),
        ("bob@example.test", "SUCCESS,FAILURE"),
    ]


def test_it_returns_bounces_of_what_it_sent_on(smtp: Running, domain: Domain) -> None:
    key = sealing.derived(srs.PURPOSE)[0]
    ours = srs.forward(
        Address.parse("Carol@outside.test"), "example.test", key=key, now=int(time.time())
    )
    forged = str(ours).replace("outside.test", "victim.test")

    with smtp.ready() as client:
        client.ask("MAIL FROM:<>")
        assert client.ask(f"RCPT TO:<{ours}>").code == 250
        assert str(client.ask(f"RCPT TO:<{forged}>")).startswith("550 5.1.1")
        client.ask("DATA")
        client.text(LETTER)
    assert only().recipients == (("Carol@outside.test", str(ours), None),)


@pytest.mark.parametrize("keeps_copy", [True, False])
def test_it_refuses_what_comes_back_from_where_it_was_sent_on(
    smtp: Running, alice: User, keeps_copy: bool
) -> None:
    forwards.add(user=alice, target=OUT, keeps_copy=keeps_copy)
    provisioning.add_alias("team@example.test", [OUT])

    with smtp.ready() as client:
        for address in ("alice@example.test", "team@example.test"):
            text = f"Delivered-To: {address}\r\n".encode() + LETTER
            assert send(client, address.title(), text=text).startswith("554 5.4.6")
            assert send(client, "postmaster@example.test", text=text).startswith("250")
