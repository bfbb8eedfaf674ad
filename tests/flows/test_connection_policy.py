"""Who may bring mail at all: strangers from anywhere at a running service.

They come by a balancer, which says from where. bl.test is a block list, wl.test an allow list.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

import pytest

from tests.support.dns_server import DnsServer
from tests.support.installation import Installation, installation
from tests.support.senders import Sender, letter
from tests.support.smtp_dialogue import BALANCER, Answer, Client

ALICE, STERN = "alice@example.test", "bob@stern.test"
LISTED, LISTED6, ALLOWED = "192.0.2.66", "2001:db8:66::1", "192.0.2.77"
TRUSTED = "203.0.113.25"
SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class World:
    """All that takes part."""

    ours: Installation
    dns: DnsServer

    def client(self, seen_as: str, helo: str = "mx.elsewhere.test") -> Client:
        """A connection that has said hello."""
        client = Client(self.ours.ports["SMTP"], seen_as=seen_as)
        assert client.reply().code == 220
        assert client.ask(f"EHLO {helo}").code == 250
        return client

    def rcpt(self, seen_as: str, *to: str, helo: str = "mx.elsewhere.test") -> list[Answer]:
        """What is answered to RCPT for each address."""
        with self.client(seen_as, helo) as client:
            assert client.ask("MAIL FROM:<carol@elsewhere.test>").code == 250
            return [client.ask(f"RCPT TO:<{one}>") for one in to]

    def give(self, seen_as: str, raw: bytes, *to: str, sender: str = "c@elsewhere.test") -> Answer:
        """The answer to a message."""
        with self.client(seen_as) as client:
            assert client.ask(f"MAIL FROM:<{sender}>").code == 250
            for one in to or (ALICE,):
                answer = client.ask(f"RCPT TO:<{one}>")
                assert answer.code == 250, answer
            assert client.ask("DATA").code == 354
            return client.text(raw)

    def folder_of(self, user: str, raw: bytes) -> str:
        """Where the message is; waits for it."""
        name = re.search(rb"Message-ID: (\S+)", raw)
        found: list[str] = []

        def look() -> bool:
            with self.ours.imap(user) as client:
                for _, _, folder in client.list_folders():
                    client.select_folder(folder, readonly=True)
                    if client.search(["HEADER", "Message-ID", name[1].decode()]):  # type: ignore[index]
                        found.append(folder)
            return bool(found)

        self.ours.wait_for(look, SECONDS, f"{name} did not arrive")
        return found[0]

    def story(self, address: str) -> str:
        """What is told of the newest message from or to an address; waits until something is."""

        def look() -> bool:
            with suppress(AssertionError):
                found[:] = json.loads(self.ours.manage("trace", address, "--json"))
            return bool(found)

        found: list[dict[str, str]] = []
        self.ours.wait_for(look, 60, f"nothing is told of {address}")
        return self.ours.manage("trace", found[0]["trace"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("policy")
    with DnsServer() as dns:
        for address in (LISTED, LISTED6):
            dns.add(f"{_reversed(address)}.bl.test", "A", "127.0.0.2")
            dns.text(f"{_reversed(address)}.bl.test", "Sent spam; see https://bl.test/why")
        for zone in ("bl.test", "wl.test"):
            dns.add(f"{_reversed(ALLOWED)}.{zone}", "A", "127.0.0.2")
        dns.text("elsewhere.test", "v=spf1 +all")
        Sender("bank.test").publish(dns, spf="v=spf1 -all", dmarc="v=DMARC1; p=reject")
        settings = {
            "DNS_SERVERS": str(dns),
            "DNS_BLOCK_LISTS": "bl.test=127.0.0.[2..11]",
            "DNS_ALLOW_LISTS": "wl.test",
            "TRUSTED_PROXIES": str(BALANCER),
            "SMTP_TRUSTED": TRUSTED,
            "RECEIVE_CONNECTIONS_PER_MINUTE": "40",
            "RECEIVE_MESSAGES_PER_MINUTE": "10",
            "RECEIVE_UNKNOWN_PER_HOUR": "8",
            "GREYLIST_SECONDS": "1",
        }
        with installation(folder, settings, clerk=True) as ours:
            ours.add_people(ALICE, STERN, "grey@greylisting.test", "mild@mild.test")
            # What the door decides is tried here, not what is thought of the mail itself.
            ours.manage("spam", "points", "AUTH_DMARC_FAIL_STRICT", "0")
            ours.manage("domain", "set", "greylisting.test", "--greylisting", "on")
            ours.manage("domain", "set", "mild.test", "--dmarc-policy", "report")
            ours.manage("domain", "set", "mild.test", "--list-policy", "report")
            ours.manage("domain", "set", "stern.test", "--dmarc-policy", "junk")
            ours.manage("domain", "set", "stern.test", "--list-policy", "junk")
            yield World(ours, dns)


def _reversed(address: str) -> str:
    return ".".join(ip_address(address).reverse_pointer.split(".")[:-2])


# lists


@pytest.mark.parametrize("address", [LISTED, LISTED6])
def test_a_listed_client_is_refused_and_told_why(world: World, address: str) -> None:
    (answer,) = world.rcpt(address, ALICE)
    assert answer.starts("550 5.7.1")
    assert "bl.test" in str(answer)
    assert "https://bl.test/why" in " ".join(answer.lines)


def test_a_listed_client_may_write_to_the_postmaster(world: World) -> None:
    """And to whose domain wants to judge for itself."""
    answers = world.rcpt(LISTED, "postmaster@example.test", "mild@mild.test", STERN, ALICE)
    assert [answer.code for answer in answers] == [250, 250, 250, 550]


def test_a_listed_client_is_filed_as_each_domain_wants(world: World) -> None:
    raw = letter("carol@elsewhere.test")
    assert world.give(LISTED, raw, "mild@mild.test", STERN).code == 250
    assert world.folder_of("mild@mild.test", raw) == "INBOX"
    assert world.folder_of(STERN, raw) == "Junk"


def test_an_allow_list_wins(world: World) -> None:
    assert world.rcpt(ALLOWED, ALICE)[0].code == 250


def test_a_refusal_is_told_and_remembered(world: World) -> None:
    assert world.rcpt(LISTED, ALICE)[0].code == 550
    story = world.story("carol@elsewhere.test")
    assert "bl.test" in story
    assert LISTED in story


# policies of domains


def test_a_forged_message_is_judged_by_each_domain(world: World) -> None:
    raw = letter("ceo@bank.test")
    assert world.give("198.51.100.9", raw).code == 550
    assert world.give("198.51.100.9", raw, "mild@mild.test").code == 250
    assert world.folder_of("mild@mild.test", raw) == "INBOX"
    both = letter("ceo@bank.test")
    assert world.give("198.51.100.9", both, ALICE, STERN).code == 250
    assert world.folder_of(STERN, both) == "Junk"
    assert world.folder_of(ALICE, both) == "Junk", "one takes it, so the other cannot refuse it"


def test_a_host_of_our_own_is_refused_nothing(world: World) -> None:
    raw = letter("ceo@bank.test")
    assert world.give(TRUSTED, raw).code == 250
    assert world.folder_of(ALICE, raw) == "INBOX"
    assert "dmarc=fail" in _shown(world, raw)


def _shown(world: World, raw: bytes) -> str:
    subject = [one for one in world.ours.inbox(ALICE) if raw.split(b"\r\n\r\n")[0] in one]
    return subject[0].decode()


# hello, and who speaks first


@pytest.mark.parametrize("helo", ["mail.example.test", "MAIL.example.TEST", "[127.0.0.1]"])
def test_nobody_calls_himself_us(world: World, helo: str) -> None:
    assert world.rcpt("198.51.100.20", ALICE, helo=helo)[0].starts("550 5.7.1")
    assert world.rcpt("127.0.0.77", ALICE, helo=helo)[0].code == 250, "but we ourselves"


@pytest.mark.parametrize("helo", ["localhost", "x", "[192.0.2.1", "198.51.100.21", "a_b.test"])
def test_odd_names_refuse_nobody(world: World, helo: str) -> None:
    assert world.rcpt("198.51.100.21", ALICE, helo=helo)[0].code == 250


# too much


def test_who_connects_too_often_is_asked_to_wait(world: World) -> None:
    greetings = []
    for _ in range(60):
        with Client(world.ours.ports["SMTP"], seen_as="2001:db8:30::1") as client:
            greetings.append(client.reply())
    assert [one.code for one in greetings[:40]] == [220] * 40
    assert greetings[-1].starts("421 4.7.0"), greetings[-1]
    neighbour = world.rcpt("2001:db8:30:1::1", ALICE)
    assert neighbour[0].code == 250


def test_who_sends_too_much_is_asked_to_wait(world: World) -> None:
    with world.client("198.51.100.40") as client:
        codes = []
        for _ in range(12):
            codes.append(client.ask("MAIL FROM:<carol@elsewhere.test>"))
            client.ask("RSET")
    assert [one.code for one in codes] == [250] * 10 + [451] * 2
    assert codes[-1].starts("451 4.7.1")


def test_a_harvester_is_cut_off_across_connections(world: World) -> None:
    harvester = "198.51.101.50"
    said = []
    for number in range(6):
        with Client(world.ours.ports["SMTP"], seen_as=harvester) as client:
            greeting = client.reply()
            said.append(greeting.code)
            if greeting.code != 220:
                break
            client.ask("EHLO mx.elsewhere.test")
            client.ask("MAIL FROM:<carol@elsewhere.test>")
            for name in range(3):
                said.append(client.ask(f"RCPT TO:<x{number}{name}@example.test>").code)
                if said[-1] == 421:
                    break
    assert 421 in said
    assert said.count(550) <= 9
    with Client(world.ours.ports["SMTP"], seen_as="2001:db8:50::1") as other:
        assert other.reply().code == 220


# greylisting


def test_doubtful_mail_comes_back(world: World) -> None:
    """A message that nothing speaks for, to a domain that asks such to wait: once."""
    raw = letter("dave@unproven.test")
    client = "198.51.100.60"
    answer = world.give(client, raw, "grey@greylisting.test", sender="dave@unproven.test")
    assert answer.starts("451 4.7.1"), answer
    assert "greylist" in world.story("dave@unproven.test").lower()

    def comes_back() -> bool:
        again = world.give(client, raw, "grey@greylisting.test", sender="dave@unproven.test")
        return again.code == 250

    # Seldom: it may send ten messages within a minute.
    world.ours.wait_for(comes_back, 60, "it is never taken", pause=1.5)
    assert world.folder_of("grey@greylisting.test", raw) == "INBOX"
    # Whoever came back once is known.
    more = letter("dave@unproven.test")
    assert (
        world.give(client, more, "grey@greylisting.test", sender="dave@unproven.test").code == 250
    )


@pytest.mark.parametrize("subject", ["Your verification code is 482913", "Ihr Anmeldecode: 771204"])
def test_a_code_waits_for_nobody(world: World, subject: str) -> None:
    raw = letter("login@unproven-shop.test", subject=subject)
    sender = "login@unproven-shop.test"
    assert world.give("198.51.100.61", raw, "grey@greylisting.test", sender=sender).code == 250


def test_all_must_want_it(world: World) -> None:
    raw = letter("eve@unproven-too.test")
    sender = "eve@unproven-too.test"
    to = ("grey@greylisting.test", ALICE)
    assert world.give("198.51.100.62", raw, *to, sender=sender).code == 250


def test_the_log_has_no_error(world: World) -> None:
    for line in world.ours.log.read_text().splitlines():
        if line.startswith("{"):
            assert json.loads(line)["level"] in {"info", "warning"}, line
