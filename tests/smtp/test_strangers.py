"""The door for other servers and who comes to it: lists, names, early talkers, limits, harvesters.

Clients come from anywhere by a balancer that says so; the DNS is in memory.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from apps.directory.models import User
from apps.mailauth.inquiry import Inquiry
from apps.mailqueue.models import QueuedMessage
from apps.reception.models import Refused
from apps.resolver.stub import StubResolver
from apps.resolver.turns import Turns
from tests.support.dns_server import DnsServer
from tests.support.services import free_port
from tests.support.smtp_dialogue import BALANCER, Client, Running, proxy_header, running
from tests.support.zones import Zones

STRANGER = "198.51.100.7"
MAIL = "MAIL FROM:<x@example.org>"
RCPT = "RCPT TO:<alice@example.test>"
TEXT = b"From: x@example.org\r\nSubject: Hello\r\n\r\nHello.\r\n"

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[[], Running]


@pytest.fixture
def zones() -> Zones:
    """A stranger with a name, and a list that has it not."""
    zones = Zones()
    zones.reverse(STRANGER, "mx.example.org")
    zones.host("mx.example.org", STRANGER)
    return zones


@pytest.fixture
def door(settings: Settings, zones: Zones) -> Iterator[Open]:
    """Opens the door when the test has set what it wants."""
    settings.TRUSTED_PROXIES = (BALANCER,)
    with ExitStack() as opened:
        yield lambda: opened.enter_context(running("smtp", resolver=zones))


def listed(zones: Zones, zone: str = "bl.example", why: str = "") -> None:
    zones.add(f"7.100.51.198.{zone}", "A", "127.0.0.2")
    if why:
        zones.add(f"7.100.51.198.{zone}", "TXT", why)


def brings(client: Client, *recipients: str) -> str:
    """Bring a message; the last answer in words."""
    answers = [client.ask(MAIL)]
    answers += [client.ask(f"RCPT TO:<{one}>") for one in recipients or ("alice@example.test",)]
    if all(answer.code == 250 for answer in answers):
        assert client.ask("DATA").code == 354
        return str(client.text(TEXT))
    return str(next(answer for answer in answers if answer.code != 250))


def test_it_refuses_who_is_listed_in_words(
    door: Open, zones: Zones, settings: Settings, alice: User
) -> None:
    settings.DNS_BLOCK_LISTS = ("bl.example=127.0.0.[2..11]",)
    listed(zones, why="Spam,\r\n250 see https://bl.example/?198.51.100.7\x00")
    smtp = door()
    with smtp.ready(seen_as=STRANGER) as client:
        assert client.ask(MAIL).code == 250
        assert str(client.ask(RCPT)) == (
            "550 5.7.1 No mail from you, 198.51.100.7 is listed by bl.example:"
            " Spam, 250 see https://bl.example/?198.51.100.7"
        )
        assert client.ask("RCPT TO:<postmaster@example.test>").code == 250
        assert client.ask("RCPT TO:<abuse@example.test>").code == 250
        assert client.ask("DATA").code == 354
        assert client.text(TEXT).code == 250
    with smtp.ready(seen_as="198.51.100.8") as client:
        assert brings(client).startswith("250 ")


def test_it_takes_mail_from_a_listed_host_of_our_own(
    door: Open, zones: Zones, settings: Settings, alice: User
) -> None:
    settings.DNS_BLOCK_LISTS = ("bl.example",)
    settings.SMTP_TRUSTED = (ip_network("198.51.100.0/24"),)
    settings.RECEIVE_CONNECTIONS_PER_MINUTE = settings.RECEIVE_MESSAGES_PER_MINUTE = 1
    listed(zones)
    smtp = door()
    for _ in range(3):
        with smtp.ready(seen_as=STRANGER) as client:
            assert brings(client).startswith("250 ")


@pytest.mark.parametrize("name", ["mail.example.test", "MAIL.Example.Test.", "[127.0.0.1]"])
def test_it_refuses_who_pretends_to_be_us(door: Open, alice: User, name: str) -> None:
    smtp = door()
    with smtp.client(seen_as=STRANGER) as client:
        assert client.ask(f"EHLO {name}").code == 250
        assert brings(client) == f"550 5.7.1 You are {STRANGER}, and not {name}: that is us"
        assert client.ask("RSET").code == 250
        assert client.ask("EHLO mx.example.org").code == 250
        assert brings(client).startswith("250 ")
    with smtp.client() as client:
        assert client.ask(f"EHLO {name}").code == 250
        assert brings(client).startswith("250 ")


def test_it_refuses_early_talkers_where_it_is_to(
    door: Open, settings: Settings, alice: User
) -> None:
    settings.EARLY_TALKERS = "refuse"
    smtp = door()
    source = str(BALANCER.network_address)
    with Client(smtp.ports["smtp"], source=source) as client:
        client.send(proxy_header(STRANGER) + b"EHLO mx.example.org\r\n")
        assert client.reply().code == 220
        assert client.reply().code == 250
        assert brings(client) == "550 5.7.1 You spoke before you were greeted"
    with smtp.client(seen_as=STRANGER) as client:
        client.send(f"EHLO mx.example.org\r\n{MAIL}\r\n{RCPT}\r\n".encode())
        assert [client.reply().code for _ in range(3)] == [250, 250, 250]  # hasty, not early


def test_it_waits_with_the_greeting_to_see_who_cannot(
    door: Open, settings: Settings, alice: User
) -> None:
    settings.EARLY_TALKERS = "refuse"
    settings.GREETING_DELAY = 0.3
    smtp = door()
    with Client(smtp.ports["smtp"], seen_as=STRANGER) as client:
        client.send(b"EHLO mx.example.org\r\n")
        start = time.monotonic()
        assert client.reply().code == 220
        assert time.monotonic() - start > 0.2
        assert client.reply().code == 250
        assert brings(client) == "550 5.7.1 You spoke before you were greeted"
    with smtp.ready(seen_as=STRANGER) as client:
        assert brings(client).startswith("250 ")


def test_it_bounds_connections_messages_and_recipients(
    door: Open, settings: Settings, alice: User, bob: User
) -> None:
    settings.RECEIVE_CONNECTIONS_PER_MINUTE = 4
    settings.RECEIVE_MESSAGES_PER_MINUTE = 3
    settings.RECEIVE_RECIPIENTS_PER_MINUTE = 3
    smtp = door()
    with smtp.ready(seen_as=STRANGER) as client:
        assert brings(client, "alice@example.test", "bob@example.test").startswith("250 ")
        assert client.ask(MAIL).code == 250
        assert client.ask(RCPT).code == 250
        assert str(client.ask("RCPT TO:<bob@example.test>")) == (
            f"451 4.7.1 Not now: more than 3 recipients within a minute from {STRANGER}"
        )
        assert client.ask("RSET").code == 250
        assert client.ask(MAIL).code == 250
        assert client.ask("RSET").code == 250
        assert str(client.ask(MAIL)) == (
            f"451 4.7.1 Not now: more than 3 messages within a minute from {STRANGER}"
        )
    for _ in range(3):
        smtp.client(seen_as=STRANGER).sock.close()
    with Client(smtp.ports["smtp"], seen_as=STRANGER) as client:
        assert str(client.reply()) == (
            f"421 4.7.0 Not now: more than 4 connections within a minute from {STRANGER}"
        )
        assert client.is_closed()
    with smtp.ready(seen_as="198.51.100.8") as client:
        assert brings(client).startswith("250 ")
    for _ in range(6):  # who has no public address is not counted
        with smtp.ready() as client:
            assert brings(client).startswith("250 ")


def test_it_bounds_the_mail_for_one_mailbox(
    door: Open, settings: Settings, alice: User, bob: User
) -> None:
    settings.RECEIVE_MESSAGES_PER_USER = 5
    smtp = door()
    for number in range(5):
        with smtp.ready(seen_as=f"198.51.{number}.1") as client:
            assert brings(client).startswith("250 ")
    with smtp.ready(seen_as="192.0.2.1") as client:
        assert client.ask(MAIL).code == 250
        assert str(client.ask(RCPT)).startswith("450 4.2.1 This mailbox has got more mail")
        assert client.ask("RCPT TO:<bob@example.test>").code == 250


def test_it_cuts_a_harvester_off_across_connections(
    door: Open, settings: Settings, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.reception.limits._LONGEST", 0.0)
    settings.RECEIVE_UNKNOWN_PER_HOUR = 10
    smtp = door()
    tried, last = 0, ""
    while not last.startswith("421") and tried < 40:
        with smtp.ready(seen_as=STRANGER) as client:
            assert client.ask(MAIL).code == 250
            for _ in range(3):
                tried += 1
                last = str(client.ask(f"RCPT TO:<u{tried}@example.test>"))
                if last.startswith("421"):
                    assert client.is_closed()
                    break
                assert last.startswith("550 5.1.1"), last
    assert (tried, last) == (
        11,
        "421 4.7.0 Too many recipients that do not exist, try again later",
    )
    with Client(smtp.ports["smtp"], seen_as=STRANGER) as client:
        assert str(client.reply()).startswith("421 4.7.0 Too many recipients")
        assert client.is_closed()
    with smtp.ready(seen_as="198.51.100.8") as client:
        assert brings(client).startswith("250 ")


def test_it_is_not_talked_out_of_that_by_mail_for_postmaster(
    door: Open, settings: Settings, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.reception.limits._LONGEST", 0.0)
    settings.RECEIVE_UNKNOWN_PER_HOUR = 10
    smtp = door()
    with smtp.ready(seen_as=STRANGER) as client:
        assert brings(client, *["postmaster@example.test"] * 50).startswith("250 ")
    tried, last = 0, ""
    while not last.startswith("421") and tried < 40:
        with smtp.ready(seen_as=STRANGER) as client:
            assert client.ask(MAIL).code == 250
            for _ in range(3):
                assert client.ask("RCPT TO:<postmaster@example.test>").code == 250
                tried += 1
                last = str(client.ask(f"RCPT TO:<u{tried}@example.test>"))
                if last.startswith("421"):
                    break
    assert tried == 11


def test_it_cuts_off_who_pipelines_a_dictionary(
    door: Open, settings: Settings, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.reception.limits._LONGEST", 0.0)
    settings.RECEIVE_UNKNOWN_PER_HOUR = 10
    smtp = door()
    with smtp.ready(seen_as=STRANGER) as client:
        names = "".join(f"RCPT TO:<u{number}@example.test>\r\n" for number in range(90))
        client.send(f"{MAIL}\r\n{names}".encode())
        answers = [str(answer) for answer in client.rest()]
    assert answers[-1].startswith("421")
    assert len(answers) <= 1 + 10 + 1 + 20  # MAIL, those that were told, and the end


def test_it_takes_mail_when_the_dns_is_silent_and_the_limits_are_away(
    door: Open, zones: Zones, settings: Settings, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Item 25: neither the DNS nor Redis is needed to take mail."""
    monkeypatch.setattr("apps.reception.visit.SECONDS", 0.5)
    settings.DNS_BLOCK_LISTS = ("bl.example",)
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    listed(zones)
    zones.drop("7.100.51.198.bl.example")
    zones.drop("7.100.51.198.in-addr.arpa")
    smtp = door()
    start = time.monotonic()
    for _ in range(3):
        with smtp.ready(seen_as=STRANGER) as client:
            assert brings(client).startswith("250 ")
    assert time.monotonic() - start < 10
    assert QueuedMessage.objects.count() == 3


def test_it_remembers_for_whom_it_refused(zones: Zones, settings: Settings, alice: User) -> None:
    settings.TRUSTED_PROXIES = (BALANCER,)
    settings.DNS_BLOCK_LISTS = ("bl.example",)
    listed(zones)
    with running("smtp", resolver=zones) as smtp, smtp.ready(seen_as=STRANGER) as client:
        assert brings(client).startswith("550 5.7.1")
        assert client.ask("QUIT").code == 221
    assert not QueuedMessage.objects.exists()
    (refused,) = Refused.objects.filter(users__user=alice)
    assert (refused.reason, refused.client) == ("list", STRANGER)
    assert f"{STRANGER} is listed by bl.example" in refused.words


def test_it_takes_nothing_unchecked_from_who_makes_us_ask_too_much(
    settings: Settings, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One dead name takes the network's only place: the bank's policy is not learnt in time."""
    settings.TRUSTED_PROXIES = (BALANCER,)
    monkeypatch.setattr("apps.resolver.stub.Turns", partial(Turns, of_one=1))
    monkeypatch.setattr("apps.resolver.stub.PATIENCE", 0.01)
    monkeypatch.setattr("apps.smtp.judge.Inquiry", partial(Inquiry, seconds=0.3))
    monkeypatch.setattr("apps.reception.visit.SECONDS", 0.3)
    forged = TEXT.replace(b"example.org", b"bank.test")
    with DnsServer() as dns:
        dns.text("_dmarc.bank.test", "v=DMARC1; p=reject")
        dns.drop("dead.test")
        resolver = StubResolver([(dns.host, dns.port)], is_trusted=False)
        with running("smtp", resolver=resolver) as smtp, smtp.ready(seen_as=STRANGER) as client:
            assert client.ask("MAIL FROM:<x@dead.test>").code == 250
            assert client.ask(RCPT).code == 250
            assert client.ask("DATA").code == 354
            answer = str(client.text(forged))
    assert answer.startswith("451 4.7.1 Not now: for your network we have to ask")
    assert not QueuedMessage.objects.exists()
