"""Mail to and from a server that nobody here wrote, judged by a verifier that nobody here wrote.

A hosted user writes to Debian's Postfix, which answers; rspamd says what SPF, DKIM, DMARC and ARC
make of what came. All of them, and we, ask the test's own name server.
"""

import email
import email.policy
import json
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from tests.support.dns_server import DnsServer
from tests.support.foreign_mta import Postfix, postfix
from tests.support.installation import PASSWORD, UNCHECKED, Installation, installation
from tests.support.rspamd import Rspamd, rspamd
from tests.support.services import free_port
from tests.support.test_ca import Authority

SPF = '"v=spf1 ip4:127.0.0.1 -all"'
DMARC = '"v=DMARC1; p=reject; adkim=s; aspf=r"'
SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class World:
    """All that takes part."""

    ours: Installation
    theirs: Postfix
    judge: Rspamd
    dns: DnsServer

    def verdict(self, message: bytes) -> dict[str, str]:
        """What the verifier says of a message as Postfix filed it."""
        # CRLF again, and without what Postfix's last step put on top: nobody signed that.
        lines = message.replace(b"\n", b"\r\n").split(b"\r\n")
        sender = lines[0].removeprefix(b"Return-Path: <").removesuffix(b">").decode()
        text = b"\r\n".join(lines[3:])
        return self.judge.verify(text, sender=sender, address="127.0.0.1", helo="mail.example.test")

    def came(self, local: str, subject: str) -> bytes:
        """The message with this subject in a user's box at Postfix; waits for it."""

        def find() -> list[bytes]:
            return [one for one in self.theirs.inbox(local) if _subject(one) == subject]

        self.ours.wait_for(find, SECONDS, f"{subject!r} for {local}: {self.theirs.log()[-2000:]}")
        (found,) = find()
        return found

    def got(self, address: str, subject: str) -> bytes:
        """The same for a user of ours."""

        def find() -> list[bytes]:
            return [one for one in self.ours.inbox(address) if _subject(one) == subject]

        self.ours.wait_for(find, SECONDS, f"{subject!r} for {address}")
        (found,) = find()
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("foreign")
    authority = Authority(folder)
    certificate = authority.server("mx.foreign.test")
    port = free_port()
    with DnsServer() as dns:
        dns.mail("foreign.test", "127.0.0.1")
        dns.mail("example.test", "127.0.0.1", host="mail.example.test")
        for domain in ("foreign.test", "example.test"):
            dns.add(domain, "TXT", SPF)
            dns.add(f"_dmarc.{domain}", "TXT", DMARC)
        settings = {
            "DNS_SERVERS": str(dns),
            "SMTP_OUT_PORT": str(port),
            "SMTP_OUT_PRIVATE": "true",
            "EXTRA_CA": str(authority.file),
        }
        with (
            installation(folder, settings, clerk=True) as ours,
            postfix(
                "foreign.test",
                ["bob", "list"],
                cert=certificate.chain,
                key=certificate.key,
                port=port,
                sends_to={"example.test": ours.ports["SMTP"]},
            ) as theirs,
            rspamd(dns.port) as judge,
        ):
            ours.add_people("alice@example.test")
            _publish_keys(ours, dns, "example.test")
            yield World(ours, theirs, judge, dns)


def _publish_keys(ours: Installation, dns: DnsServer, domain: str) -> None:
    """Put what `dkim show` says into the DNS, as an administrator would."""
    for key in json.loads(ours.manage("dkim", "show", domain, "--json")):
        dns.add(key["record"], "TXT", " ".join(f'"{part}"' for part in key["strings"]))


def _subject(message: bytes) -> str:
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    return str(parsed["Subject"])


def _letter(sender: str, to: str, subject: str) -> EmailMessage:
    letter = EmailMessage(policy=email.policy.SMTP)
    letter["From"], letter["To"], letter["Subject"] = sender, to, subject
    letter.set_content("Schöne Grüße from over here.\n.\nA dot stood alone.\n", cte="8bit")
    return letter


def _submit(world: World, letter: EmailMessage, *options: str) -> None:
    with world.ours.smtp("SUBMISSIONS") as client:
        client.login("alice@example.test", PASSWORD)
        client.send_message(letter, rcpt_options=options)


def test_it_sends_mail_that_a_foreign_verifier_believes(world: World) -> None:
    _submit(world, _letter("alice@example.test", "bob@foreign.test", "signed twice"))
    message = world.came("bob", "signed twice")
    assert message.count(b"DKIM-Signature:") == 2
    assert b"(using TLSv1.3" in message, "Postfix was not spoken to under TLS"
    assert "Schöne Grüße" in message.decode()
    assert b"\n.\nA dot stood alone." in message
    verdict = world.verdict(message)
    assert "R_DKIM_ALLOW" in verdict
    assert "R_SPF_ALLOW" in verdict
    assert "DMARC_POLICY_ALLOW" in verdict


def test_it_gets_the_answer(world: World) -> None:
    answer = _letter("bob@foreign.test", "alice@example.test", "Re: signed twice")
    world.theirs.send("bob@foreign.test", ["alice@example.test"], answer.as_bytes())
    assert b"A dot stood alone." in world.got("alice@example.test", "Re: signed twice")


def test_it_forwards_so_that_spf_passes_and_the_seal_holds(world: World) -> None:
    world.ours.manage("alias", "add", "away@example.test", "list@foreign.test")
    letter = _letter("carol@foreign.test", "away@example.test", "sent on")
    world.theirs.send("carol@foreign.test", ["away@example.test"], letter.as_bytes())
    message = world.came("list", "sent on")
    sender = message.split(b"\n", 1)[0]
    assert sender.startswith(b"Return-Path: <SRS0=")
    assert sender.endswith(b"=foreign.test=carol@example.test>")
    verdict = world.verdict(message)
    assert "R_SPF_ALLOW" in verdict
    assert "ARC_ALLOW" in verdict, verdict


def test_it_tells_the_sender_what_a_foreign_server_refused(world: World) -> None:
    _submit(world, _letter("alice@example.test", "nobody@foreign.test", "to nobody"))

    def reports() -> list[bytes]:
        inbox = world.ours.inbox("alice@example.test")
        return [one for one in inbox if b"Final-Recipient: rfc822; nobody@foreign.test" in one]

    world.ours.wait_for(reports, SECONDS, "no report came")
    (report,) = reports()
    assert b"Return-Path: <>" in report
    assert b"Status: 5.1.1" in report
    assert b"Diagnostic-Code: smtp; 550" in report
    assert b"Schoene" not in report
    assert "Schöne".encode() not in report, "the text went back though nobody asked for it"


def test_it_takes_back_a_bounce_of_forwarded_mail(world: World) -> None:
    world.ours.manage("alias", "add", "lost@example.test", "gone@foreign.test")
    with world.ours.smtp() as client:
        client.sendmail(
            "carol@foreign.test",
            ["lost@example.test"],
            _letter("carol@foreign.test", "lost@example.test", "into the void").as_bytes(),
            ["BODY=8BITMIME"],
        )
    # Our own report goes straight to the author, who is at Postfix and does not exist there.
    world.ours.wait_for(
        lambda: (
            "to=<carol@foreign.test>" in world.theirs.log()
            or "<carol@foreign.test>: Recipient address rejected" in world.theirs.log()
        ),
        SECONDS,
        "no report was sent to the author",
    )


def test_it_shows_the_sender_where_each_copy_is(world: World) -> None:
    letter = _letter("alice@example.test", "bob@foreign.test, nobody@foreign.test", "two fates")
    letter["Message-ID"] = "<two.fates@example.test>"
    _submit(world, letter)
    world.came("bob", "two fates")

    def story() -> str:
        return world.ours.manage("trace", "<two.fates@example.test>")

    world.ours.wait_for(lambda: "nobody@foreign.test" in story(), SECONDS, "no story")
    world.ours.wait_for(lambda: "5.1.1" in story(), SECONDS, "the refusal is not told")
    assert "mx.foreign.test" in story()
    assert "TLSv1.3" in story()


def test_it_refuses_a_stranger_who_uses_the_way_out(world: World) -> None:
    client = smtplib.SMTP("127.0.0.1", world.ours.ports["SUBMISSION"], timeout=20)
    with client:
        client.starttls(context=UNCHECKED)
        client.ehlo()
        assert client.docmd("MAIL FROM:<alice@example.test>")[0] == 530


def test_it_leaves_nothing_in_the_queue(world: World) -> None:
    world.ours.wait_for_empty_queue(SECONDS, "mail is left in the queue")
