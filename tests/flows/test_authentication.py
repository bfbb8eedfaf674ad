"""Who really sent this: the running service, and clients and servers that nobody here wrote.

bank.test sends from 127.0.0.1 only, signs what it sends, and asks to refuse all else. A forger sits
at 127.0.0.66. list.test is Debian's Postfix at 127.0.0.5 with rspamd as its milter: it sends on
what comes for its addresses, and seals it.
"""

import gzip
import json
import re
import smtplib
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from tests.support.dns_server import DnsServer
from tests.support.foreign_mta import Postfix, postfix
from tests.support.installation import Installation, installation
from tests.support.rspamd import Rspamd, rspamd
from tests.support.senders import Sender, letter
from tests.support.services import free_port
from tests.support.test_ca import Authority

ALICE = "alice@example.test"
BANK, FORGER, LISTS = "127.0.0.1", "127.0.0.66", "127.0.0.5"
SPF = f"v=spf1 ip4:{BANK} -all"
SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class World:
    """All that takes part."""

    ours: Installation
    lists: Postfix
    judge: Rspamd
    dns: DnsServer
    bank: Sender
    sealer: Sender

    def story(self, answer: str) -> str:
        """What is told of the message whose trace is named in an answer to it, or in its header;
        waits until something is."""
        told: list[str] = []

        def look() -> bool:
            with suppress(AssertionError):
                told[:] = [self.ours.manage("trace", name)]
            return bool(told)

        name = re.findall(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b", answer)[0]
        self.ours.wait_for(look, 60, f"nothing is told of {name}")
        return told[0]

    def got(self, raw: bytes, folder: str = "INBOX") -> bytes:
        """The message as Alice reads it; waits for it."""
        name = _id(raw)
        found: list[bytes] = []

        def look() -> bool:
            with self.ours.imap(ALICE) as client:
                client.select_folder(folder, readonly=True)
                uids = client.search(["HEADER", "Message-ID", name])
                found[:] = [one[b"BODY[]"] for one in client.fetch(uids, ["BODY.PEEK[]"]).values()]
            return bool(found)

        self.ours.wait_for(look, SECONDS, f"{name} is not in {folder}: {self.lists.log()[-2000:]}")
        (message,) = found
        return message

    def has(self, raw: bytes) -> bool:
        """Whether Alice has the message anywhere."""
        with self.ours.imap(ALICE) as client:
            for _, _, name in client.list_folders():
                client.select_folder(name, readonly=True)
                if client.search(["HEADER", "Message-ID", _id(raw)]):
                    return True
        return False

    def give(self, raw: bytes, sender: str, source: str, to: str = ALICE) -> tuple[int, str]:
        """Hand a message to us from an address; the answer after the dot."""
        client = smtplib.SMTP(timeout=30, source_address=(source, 0))
        with client:
            client.connect("127.0.0.1", self.ours.ports["SMTP"])
            client.ehlo("mx.elsewhere.test")
            assert client.mail(sender)[0] == 250
            assert client.rcpt(to)[0] == 250
            code, words = client.data(raw)
        return code, words.decode()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("authentication")
    authority = Authority(folder)
    certificate = authority.server("mx.list.test")
    bank, sealer = Sender("bank.test"), Sender("list.test")
    with DnsServer() as dns:
        dns.mail("example.test", "127.0.0.1", host="mail.example.test")
        dns.mail("list.test", "127.0.0.1")
        asks = "v=DMARC1; p=reject; adkim=s; rua=mailto:bob@list.test"
        bank.publish(dns, spf=SPF, dmarc=asks)
        dns.text("bank.test._report._dmarc.list.test", "v=DMARC1")
        sealer.publish(dns, spf=f"v=spf1 ip4:{LISTS} -all")
        Sender("quiet.test").publish(dns, spf="v=spf1 -all", dmarc="v=DMARC1; p=quarantine")
        port = free_port()
        settings = {
            "DNS_SERVERS": str(dns),
            "ARC_TRUSTED_SEALERS": "list.test",
            "SMTP_OUT_PORT": str(port),
            "SMTP_OUT_PRIVATE": "true",
        }
        with (
            installation(folder, settings, clerk=True) as ours,
            rspamd(dns.port, seals=sealer) as judge,
            postfix(
                "list.test",
                ["bob"],
                cert=certificate.chain,
                key=certificate.key,
                port=port,
                sends_to={"example.test": ours.ports["SMTP"]},
                forwards={"forward": ALICE, "members": ALICE},
                sends_from=LISTS,
                milter=judge.milter,
            ) as lists,
        ):
            ours.add_people(ALICE, "bob@example.test")
            for key in json.loads(ours.manage("dkim", "show", "example.test", "--json")):
                dns.text(key["record"], "".join(key["strings"]))
            yield World(ours, lists, judge, dns, bank, sealer)


def _id(raw: bytes) -> str:
    found = re.search(rb"^Message-ID: (\S+)", raw, re.MULTILINE)
    return found[1].decode() if found else ""


def _fields(message: bytes, name: str) -> list[str]:
    """The values of all fields of this name, unfolded, first to last."""
    return [" ".join(str(one).split()) for one in message_from_bytes(message).get_all(name, [])]


def _results(message: bytes) -> str:
    """Our Authentication-Results of a message as it is read, on one line."""
    fields = _fields(message, "Authentication-Results")
    ours = [one for one in fields if "mail.example.test" in one]
    assert len(ours) == 1, fields
    return ours[0]


# a forged message

CLIENTS = {
    "swaks": (
        *("swaks", "--server", "127.0.0.1", "--port", "{port}", "--local-interface", FORGER),
        *("--from", "{sender}", "--to", ALICE, "--data", "@{file}", "--timeout", "30"),
    ),
    "curl": (
        *("curl", "-sS", "-v", "--interface", FORGER, "smtp://127.0.0.1:{port}/mx.forger.test"),
        *("--mail-from", "{sender}", "--mail-rcpt", ALICE, "-T", "{file}"),
    ),
    "msmtp": (
        *("msmtp", "--file=/dev/null", "--host=127.0.0.1", "--port={port}", "--debug"),
        *(f"--source-ip={FORGER}", "--from={sender}", ALICE),
    ),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_forged_message_is_refused_at_the_dot(world: World, client: str, tmp_path: Path) -> None:
    forged = letter(f"The Boss <{client}@bank.test>")
    file, sender = tmp_path / "forged.eml", f"{client}@bank.test"
    file.write_bytes(forged)
    words = [
        word.format(port=world.ours.ports["SMTP"], sender=sender, file=file)
        for word in CLIENTS[client]
    ]
    with file.open("rb") as text:
        done = subprocess.run(words, stdin=text, capture_output=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode != 0, said
    assert said.index("354") < said.index("550"), said
    assert "5.7.26" in said
    assert "bank.test" in said

    assert not world.has(forged)
    story = world.story(said)
    assert "refused" in story.lower()
    assert re.search(r"SPF.*fail", story), story
    assert "DMARC" in story
    assert ALICE in story


def test_it_remembers_what_was_refused_for_whom(world: World) -> None:
    forged = letter("remembered@bank.test", subject="Your account")
    assert world.give(forged, "remembered@bank.test", FORGER)[0] == 550

    def is_kept() -> bool:
        told = world.ours.manage("rejects", "list", "--user", ALICE, "--json")
        return "remembered@bank.test" in told and "Your account" in told

    world.ours.wait_for(is_kept, 60, "nothing is remembered")
    assert "Refused: SPF: bank.test" in world.ours.manage("trace", "remembered@bank.test")
    assert world.ours.queue() == [], "a refusal is answered, not sent"
    rows = world.ours.manage("rejects", "list", "--user", "bob@example.test", "--json")
    assert json.loads(rows) == []


@pytest.mark.parametrize(
    "author",
    [
        "From: a@bank.test, b@evil.test\r\n",
        "From: b@evil.test, a@bank.test\r\n",
        "From: a@bank.test\r\nFrom: b@evil.test\r\n",
        "From: b@evil.test\r\nFrom: a@bank.test\r\n",
        "from : a@bank.test\r\n",
        "FROM: A@BANK.TEST\r\n",
        "From: <a@bank.test.>\r\n",
        "From: =?utf-8?q?a=40bank.test?= <a@bank.test>\r\n",
        'From: "a"@bank.test\r\n',
        "From: a@sub.bank.test\r\n",
        "From: (comment) a @ bank . test\r\n",
        "From: Group: a@bank.test;\r\n",
        "From:\r\n a@bank.test\r\n",
    ],
)
def test_no_way_to_write_an_author_gets_past_a_policy(world: World, author: str) -> None:
    """SPF of the envelope passes, for evil.test lets everybody send in its name."""
    world.dns.text("evil.test", "v=spf1 +all")
    forged = re.sub(rb"^From: .*\r\n", author.encode(), letter("x@evil.test"))
    code, words = world.give(forged, "x@evil.test", FORGER)
    assert (code, words[:4]) == (550, "5.7."), words


def test_a_name_that_looks_like_the_bank_is_none_of_its_business(world: World) -> None:
    """Who signs and stands for evil.test may call himself what he likes: that is for the reader."""
    world.dns.text("evil.test", "v=spf1 +all")
    raw = letter('"boss@bank.test" <x@evil.test>')
    assert world.give(raw, "x@evil.test", FORGER)[0] == 250
    assert "spf=pass" in _results(world.got(raw))


def test_a_doubtful_message_is_filed_into_junk(world: World) -> None:
    raw = letter("x@quiet.test")
    code, words = world.give(raw, "x@quiet.test", FORGER)
    assert code == 250, words
    assert "dmarc=fail" in _results(world.got(raw, "Junk"))
    assert "Junk" in world.story(words)


# genuine messages


def test_a_genuine_message_is_believed(world: World) -> None:
    raw = world.bank.sign(letter("genuine@bank.test"))
    code, words = world.give(raw, "genuine@bank.test", BANK)
    assert code == 250, words
    results = _results(world.got(raw))
    for word in ("spf=pass", "dkim=pass", "header.d=bank.test", "dmarc=pass"):
        assert word in results
    story = world.story(words)
    for word in ("SPF", "DKIM", "DMARC", "pass"):
        assert word in story


def test_a_forwarded_message_is_accepted_by_its_signature(world: World) -> None:
    raw = world.bank.sign(letter("forwarded@bank.test", "forward@list.test"))
    world.lists.send("forwarded@bank.test", ["forward@list.test"], raw)
    message = world.got(raw)
    for word in ("spf=fail", "dkim=pass", "dmarc=pass"):
        assert word in _results(message)
    story = world.story(message.decode())
    assert re.search(r"SPF.*fail", story), story
    assert re.search(r"DKIM.*pass", story), story


def test_a_forwarded_message_without_signature_is_lifted_by_the_seal(world: World) -> None:
    """rspamd found that SPF passed when the message came to Postfix, and said so under its seal."""
    raw = letter("unsigned@bank.test", "members@list.test")
    world.lists.send("unsigned@bank.test", ["members@list.test"], raw)
    message = world.got(raw)
    for word in ("spf=fail", "arc=pass", "dmarc=fail"):
        assert word in _results(message)
    story = world.story(message.decode())
    assert re.search(r"ARC.*list\.test", story), story


def _post(world: World, author: str, sealer: Sender) -> bytes:
    """A post to a list as its members get it: marked, with a footer, sealed at both ends."""
    genuine = world.bank.sign(letter(author, "members@list.test"))
    came = sealer.seal(genuine, "dkim=pass header.d=bank.test", f"dmarc=pass header.from={author}")
    changed = came.replace(b"Subject: ", b"Subject: [members] ") + b"-- \r\nmembers@list.test\r\n"
    return sealer.seal(changed, "arc=pass", "dkim=fail header.d=bank.test", "dmarc=fail")


def test_a_post_to_a_list_is_lifted_by_arc(world: World) -> None:
    raw = _post(world, "poster@bank.test", world.sealer)
    code, words = world.give(raw, "members-bounces@list.test", LISTS)
    assert code == 250, words
    results = _results(world.got(raw))
    for word in ("dkim=fail", "arc=pass", "dmarc=fail"):
        assert word in results
    story = world.story(words)
    assert re.search(r"ARC.*list\.test", story), story


def test_a_seal_of_somebody_whom_nobody_trusts_lifts_nothing(world: World) -> None:
    stranger = Sender("stranger.test")
    stranger.publish(world.dns, spf="v=spf1 +all")
    raw = _post(world, "lifted@bank.test", stranger)
    assert world.give(raw, "x@stranger.test", FORGER)[0] == 550


def test_a_seal_lifts_no_other_message(world: World) -> None:
    raw = _post(world, "replayed@bank.test", world.sealer)
    for forged in (
        raw.replace(b"The figures", b"The forged figures"),
        raw.replace(b"From: replayed@", b"From: ceo@"),
        raw.replace(b"ARC-Seal: i=2", b"ARC-Seal: i=3"),
        raw.replace(b"dmarc=pass", b"dmarc=fail"),
        b"\r\n".join(one for one in raw.split(b"\r\n") if not one.startswith(b"ARC-Seal: i=1")),
    ):
        assert forged != raw
        assert world.give(forged, "members-bounces@list.test", LISTS)[0] == 550


# what is written on a message


def test_nobody_else_writes_our_results(world: World) -> None:
    forged = (
        b"Authentication-Results: mail.example.test; dmarc=pass header.from=bank.test\r\n"
        b"Received-SPF: pass (mail.example.test: domain designates it);\r\n"
        b" receiver=mail.example.test\r\n"
        b"AUTHENTICATION-RESULTS : (c) MAIL.Example.Test. 1;\r\n spf=pass\r\n"
        b'Authentication-Results: "mail.example.test"; dkim=pass\r\n'
        b"Authentication-Results: other.test; dkim=pass header.d=other.test\r\n"
    )
    world.dns.text("evil.test", "v=spf1 +all")
    raw = forged + letter("x@evil.test")
    assert world.give(raw, "x@evil.test", FORGER)[0] == 250
    message = world.got(raw)
    results = _results(message)
    assert "spf=pass" in results
    assert "dmarc=none" in results
    header = message.partition(b"\r\n\r\n")[0].lower()
    assert header.count(b"authentication-results") == 2
    assert b"other.test; dkim=pass" in header
    assert b"domain designates it" not in header


def test_results_stand_above_what_they_are_about(world: World) -> None:
    raw = world.bank.sign(letter("above@bank.test"))
    assert world.give(raw, "above@bank.test", BANK)[0] == 250
    names = [name.lower() for name in message_from_bytes(world.got(raw))]
    assert names.index("authentication-results") < names.index("received")
    assert names.index("received") < names.index("dkim-signature")


def _sent_on(world: World, raw: bytes) -> bytes:
    """The message as Bob of list.test has it; waits for it."""

    def look() -> list[bytes]:
        return [one for one in world.lists.inbox("bob") if _id(one) == _id(raw)]

    world.ours.wait_for(look, SECONDS, f"Bob has no {_id(raw)}: {world.lists.log()[-2000:]}")
    (found,) = look()
    return found


def test_what_we_send_on_says_what_we_found(world: World) -> None:
    """Our seal, and what rspamd at the other end says of it under its own."""
    world.ours.manage("alias", "add", "away@example.test", "bob@list.test")
    raw = world.bank.sign(letter("onward@bank.test", "away@example.test"))
    assert world.give(raw, "onward@bank.test", BANK, "away@example.test")[0] == 250
    message = _sent_on(world, raw)
    theirs, ours = _fields(message, "ARC-Authentication-Results")
    assert ours.startswith("i=1; mail.example.test")
    for word in ("spf=pass", "dkim=pass", "dmarc=pass", "arc=none"):
        assert word in ours
    assert "arc=pass" in theirs
    assert "cv=none" in _fields(message, "ARC-Seal")[1]


def test_what_came_sealed_is_sent_on_under_a_second_seal(world: World) -> None:
    raw = _post(world, "chained@bank.test", world.sealer)
    assert world.give(raw, "members-bounces@list.test", LISTS, "away@example.test")[0] == 250
    message = _sent_on(world, raw)
    seals = _fields(message, "ARC-Seal")
    assert re.findall(r"\bi=(\d)", "".join(seals)) == ["4", "3", "2", "1"]
    assert "cv=pass" in seals[1]
    assert "arc=pass" in _fields(message, "ARC-Authentication-Results")[0]


# name servers in trouble


@pytest.mark.parametrize("trouble", ["silence", "SERVFAIL", "REFUSED", "slowness"])
def test_mail_is_taken_while_name_servers_are_in_trouble(world: World, trouble: str) -> None:
    if trouble == "silence":
        world.dns.drop("")
    elif trouble == "slowness":
        world.dns.delay("", 8.0)
    else:
        world.dns.fail("", rcode=trouble)
    author = f"{trouble.lower()}@unheard-{trouble.lower()}.test"
    raw = world.bank.sign(letter(author))
    try:
        began = time.monotonic()
        code, words = world.give(raw, author, FORGER)
        took = time.monotonic() - began
    finally:
        world.dns.mend()
    assert code == 250, words
    assert took < 20, took
    results = _results(world.got(raw))
    # The bank's key may be known from before; whom it says it is from is not.
    for word in ("spf=temperror", "dmarc=temperror"):
        assert word in results
    if trouble == "silence":
        assert "temperror" in world.story(words)

    def recovers() -> bool:
        again = world.bank.sign(letter("again@bank.test"))
        assert world.give(again, "again@bank.test", BANK)[0] == 250
        return "dmarc=pass" in _results(world.got(again))

    world.ours.wait_for(recovers, 60, "it does not ask again")


# reports


def _preview(world: World, domain: str) -> str:
    """What would be sent, "" if nothing was counted."""
    try:
        return world.ours.manage("reports", "preview", domain)
    except AssertionError:
        return ""


@pytest.mark.long
def test_the_reports_of_a_day_are_made_and_read_back(world: World) -> None:
    """One goes to a domain which says that it takes the bank's reports; one is about a domain of
    our own, so that it comes back as those of Google and others do."""
    world.ours.add_people("reports@sister.test")
    record = "v=DMARC1; p=reject; rua=mailto:reports@sister.test"
    Sender("sister.test").publish(world.dns, spf="v=spf1 -all", dmarc=record)
    genuine, forged = letter("counted@bank.test"), letter("counted@bank.test")
    world.give(world.bank.sign(genuine), "counted@bank.test", BANK)
    world.give(forged, "x@bank.test", FORGER)
    for _ in range(3):
        assert world.give(letter("x@sister.test"), "x@sister.test", FORGER)[0] == 550
    soon = time.monotonic() + 10  # counts are written every ten seconds

    def is_counted() -> bool:
        return time.monotonic() > soon and FORGER in _preview(world, "sister.test")

    world.ours.wait_for(is_counted, 30, "nothing is counted")
    world.ours.manage("reports", "send", "--early")
    _check_the_report_elsewhere(world)
    _check_the_report_here(world)


def _check_the_report_elsewhere(world: World) -> None:
    def came() -> list[bytes]:
        found = world.lists.inbox("bob")
        return [one for one in found if b"Report Domain: bank.test" in one]

    world.ours.wait_for(came, SECONDS, f"no report: {world.lists.log()[-2000:]}")
    (message,) = map(message_from_bytes, came())
    (part,) = [one for one in message.walk() if one.get_content_type() == "application/gzip"]
    packed = part.get_payload(decode=True)
    assert isinstance(packed, bytes)
    report = ElementTree.fromstring(gzip.decompress(packed))
    assert report.findtext("policy_published/domain") == "bank.test"
    assert report.findtext("policy_published/p") == "reject"
    rows = {
        (one.findtext("row/source_ip"), one.findtext("row/policy_evaluated/disposition"))
        for one in report.findall("record")
    }
    assert {(BANK, "none"), (FORGER, "reject")} <= rows
    assert ALICE not in ElementTree.tostring(report, "unicode")


def _check_the_report_here(world: World) -> None:
    def came() -> bool:
        with world.ours.imap("reports@sister.test") as client:
            client.select_folder("INBOX", readonly=True)
            return len(client.search()) == 1

    def read() -> list[dict[str, Any]]:
        world.ours.manage("reports", "read")
        found = world.ours.manage("reports", "list", "--domain", "sister.test", "--json")
        rows[:] = json.loads(found)
        return rows

    rows: list[dict[str, Any]] = []
    world.ours.wait_for(came, SECONDS, "no report for ourselves")
    world.ours.wait_for(read, SECONDS, "it was not read")
    (report,) = rows
    assert (report["passed"], report["failed"]) == (0, 3)
    assert FORGER in world.ours.manage("reports", "show", str(report["id"]))
    assert came(), "reading a report takes it from nobody"


def test_the_log_has_no_error(world: World) -> None:
    for line in world.ours.log.read_text().splitlines():
        if line.startswith("{"):
            assert json.loads(line)["level"] in {"info", "warning"}, line
