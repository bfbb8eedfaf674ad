"""Mail that goes on: in by the door, through the queue, out to a sink, and what comes back."""

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from apps.delivery import process
from apps.delivery.outbound import stopping
from apps.directory.models import RelayCheck, TransportProtocol, TransportScope, TransportTls, User
from apps.directory.services import forwards, relay, transports
from apps.directory.services.transports import Server
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.provisioning import services as provisioning
from tests.support.outgoing import Outside, outside, send
from tests.support.smtp_dialogue import Client, Running, running
from tests.support.smtp_sink import SmtpSink
from tests.support.test_ca import Authority

pytestmark = pytest.mark.django_db(transaction=True)

LETTER = (
    b"From: Carol <carol@author.test>\r\nTo: alice@example.test\r\nSubject: x\r\n"
    b"Date: Tue, 24 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@author.test>\r\n\r\nHello.\r\n"
)


@pytest.fixture
def world() -> Iterator[Outside]:
    with outside() as made:
        yield made
    stopping.reset()


@pytest.fixture
def smtp(world: Outside) -> Iterator[Running]:
    with running("smtp") as found:
        yield found


def give(client: Client, sender: str, *addresses: str, text: bytes = LETTER) -> str:
    """Hand a message in; the last reply."""
    client.ask("RSET")
    client.ask(f"MAIL FROM:<{sender}>")
    for address in addresses:
        answer = client.ask(f"RCPT TO:<{address}>")
        if answer.code != 250:
            return str(answer)
    client.ask("DATA")
    return str(client.text(text))


def deliver() -> None:
    """Let the worker do all that is due."""
    while process.run_once():
        pass
    send()


def test_it_sends_on_and_finds_the_way_back(world: Outside, smtp: Running, alice: User) -> None:
    target, author = world.domain("target.test"), world.domain("author.test")
    forwards.add(user=alice, target="me@target.test", keeps_copy=True)

    with smtp.ready() as client:
        assert give(client, "Carol@author.test", "Alice+x@example.test").startswith("250")
        deliver()
        (there,) = target.messages
        assert there.recipients == ["me@target.test"]
        # SPF at the target asks the domain of this address, which is ours.
        assert there.sender.startswith("SRS0=")
        assert there.sender.endswith("=author.test=Carol@example.test")
        assert there.text.startswith(b"Delivered-To: Alice+x@example.test\r\n")
        assert b"\r\nARC-Seal: " in there.text
        assert there.text.endswith(LETTER)
        assert alice.mailboxes.filter(entry__isnull=False).exists()

        # What the target bounces goes back to the author, who never heard of us.
        assert give(client, "", there.sender).startswith("250")
        deliver()
        (back,) = author.messages
        assert (back.sender, back.recipients) == ("", ["Carol@author.test"])

        # What the target sends back to where it came from has gone round.
        assert give(client, there.sender, "alice@example.test", text=there.text).startswith("250")
        assert give(client, there.sender, "alice+X@example.test", text=there.text).startswith(
            "554 5.4.6"
        )


def test_it_ends_a_circle_between_two_servers(world: Outside, smtp: Running, alice: User) -> None:
    """Alice has mail sent on to where it is sent back to her, again and again."""
    target = world.domain("target.test")
    forwards.add(user=alice, target="me@target.test", keeps_copy=False)

    with smtp.ready() as client:
        assert give(client, "carol@author.test", "alice@example.test").startswith("250")
        deliver()
        (there,) = target.messages
        assert give(client, there.sender, "alice@example.test", text=there.text).startswith(
            "554 5.4.6"
        )
    assert QueuedMessage.objects.filter(state="done").count() == 1


def test_it_sends_a_group_on_in_one_transaction(world: Outside, smtp: Running, alice: User) -> None:
    target = world.domain("target.test")
    provisioning.add_alias(
        "team@example.test", ["a@target.test", "b@target.test", "alice@example.test"]
    )

    with smtp.ready() as client:
        assert give(client, "carol@author.test", "team@example.test").startswith("250")
    deliver()
    (there,) = target.messages
    assert there.recipients == ["a@target.test", "b@target.test"]
    assert there.text.startswith(b"Delivered-To: team@example.test\r\n")


def test_it_hands_a_relay_domain_to_its_server_as_it_came(
    world: Outside, smtp: Running, alice: User
) -> None:
    assert alice.domain is not None
    relay.set_relay(domain=alice.domain, check=RelayCheck.LIST)
    relay.add(domain=alice.domain, recipients=["there"])
    with SmtpSink(is_lmtp=True) as inner:
        transports.put(
            scope=TransportScope.RECIPIENT,
            domain="example.test",
            server=Server(inner.host, inner.port, TransportProtocol.LMTP, TransportTls.NONE),
        )
        with smtp.ready() as client:
            for address in ("There@example.test", "alice@example.test"):
                assert give(client, "carol@author.test", address).startswith("250")
        deliver()
        (there,) = inner.messages
    assert (there.sender, there.recipients) == ("carol@author.test", ["There@example.test"])
    assert not there.text.startswith(b"Delivered-To")
    assert there.text.endswith(LETTER)


def test_it_hands_all_mail_to_a_smarthost(
    world: Outside, smtp: Running, alice: User, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    context = authority.server("smart.test").context
    world.dns.add("smart.test", "A", "127.0.0.1")
    forwards.add(user=alice, target="me@target.test", keeps_copy=False)
    with (
        override_settings(EXTRA_CA=authority.file),
        SmtpSink(tls=context, auth="PLAIN") as smart,
    ):
        server = Server("smart.test", smart.port, username="us@smart.test", password="a secret")
        transports.put(scope=TransportScope.ALL, server=server)
        with smtp.ready() as client:
            assert give(client, "carol@author.test", "alice@example.test").startswith("250")
        deliver()
        (there,) = smart.messages
        assert there.recipients == ["me@target.test"]
        assert there.tls.startswith("TLSv1.")
        assert [b64decode(line.split()[-1]) for line in smart.logins] == [
            b"\0us@smart.test\0a secret"
        ]
    assert not world.sinks


def test_it_finds_another_way_when_a_transport_is_removed(
    world: Outside, smtp: Running, alice: User
) -> None:
    target = world.domain("target.test")
    forwards.add(user=alice, target="me@target.test", keeps_copy=False)
    transports.put(scope=TransportScope.ALL, server=Server("127.0.2.9", 25))

    with smtp.ready() as client:
        assert give(client, "carol@author.test", "alice@example.test").startswith("250")
    while process.run_once():
        pass
    assert QueuedRecipient.objects.get().destination.endswith("/smtp:127.0.2.9:25")
    transports.remove(scope=TransportScope.ALL)
    send()
    deliver()
    assert len(target.messages) == 1
