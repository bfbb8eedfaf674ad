"""The world outside for tests of outgoing mail: name server and sinks, and a queue to send from.

    with outside() as world:
        sink = world.domain("a.test")
        queue("bob@a.test")
        send()
        assert sink.messages

All sinks share one port (SMTP_OUT_PORT), each has a loopback address of its own.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.test import override_settings

from apps.delivery import process
from apps.delivery.accept import accept
from apps.delivery.outbound import running
from apps.mailqueue.models import Destination, QueuedMessage, QueuedRecipient
from apps.mailqueue.services import EnvelopeRecipient, Submission
from tests.support.dns_server import DnsServer
from tests.support.mail import RAW, submission
from tests.support.services import free_port
from tests.support.smtp_sink import SmtpSink

SENDER = "carol@outside.invalid"


@dataclass
class Outside:
    """What there is beside us: `dns`, and one sink for each domain that was asked for."""

    dns: DnsServer
    port: int
    stack: ExitStack
    sinks: dict[str, SmtpSink] = field(default_factory=dict)

    def domain(self, name: str, **more: Any) -> SmtpSink:
        """A domain with an MX host of its own that listens."""
        host = f"127.0.1.{len(self.sinks) + 1}"
        self.dns.mail(name, host)
        sink = self.stack.enter_context(SmtpSink(host=host, port=self.port, **more))
        self.sinks[name] = sink
        return sink

    def dead_domain(self, name: str) -> None:
        """A domain whose MX host refuses connections."""
        self.dns.mail(name, "127.0.2.1")


@contextmanager
def outside(**settings: Any) -> Iterator[Outside]:
    """Within: the settings lead to this world."""
    with ExitStack() as stack:
        dns = stack.enter_context(DnsServer())
        port = free_port()
        wanted = {
            "DNS_SERVERS": (dns.endpoint,),
            "SMTP_OUT_PORT": port,
            "SMTP_OUT_PRIVATE": True,
            "SMTP_OUT_IPV6": False,
            **settings,
        }
        stack.enter_context(override_settings(**wanted))
        running.forget()
        yield Outside(dns, port, stack)


def queue(*recipients: str, raw: bytes = RAW, sender: str = SENDER) -> Submission:
    """Accept a message for addresses elsewhere, and process it."""
    item = submission([EnvelopeRecipient(one, one, None) for one in recipients], raw, sender=sender)
    queue_all([item])
    return item


def queue_all(items: list[Submission]) -> None:
    """The same for many."""
    for first in range(0, len(items), 100):
        accept(items[first : first + 100])
    while process.run_once():
        pass


def send() -> None:
    """Send until nothing is due."""
    running.run(linger=0)


def state(item: Submission) -> str:
    """The state of a message."""
    return str(QueuedMessage.objects.values_list("state", flat=True).get(id=item.id))


def row(item: Submission, address: str = "") -> QueuedRecipient:
    """A recipient of it."""
    rows = QueuedRecipient.objects.filter(message=item.id)
    return rows.get(address=address) if address else rows.get()


def make_due() -> None:
    """Let time pass until everything that waits is due, and every destination open."""
    QueuedRecipient.objects.filter(state="waiting", lease_token=None).update(next_attempt_at=1)
    Destination.objects.update(closed_until=0)
