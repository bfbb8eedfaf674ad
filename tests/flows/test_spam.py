"""Spam and viruses: the running service, and clients and scanners that nobody here wrote.

First with nothing but our own filter, as it is installed; then with Debian's scanners beside it.
Whatever becomes of a message, `manage.py why` says it in words.
"""

import itertools
import json
import re
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.scan.attachments.test_eicar import WRAPPED
from tests.support.clamd import TESTFILES, clamd
from tests.support.dns_server import DnsServer
from tests.support.installation import PASSWORD, ROOT, Installation, installation
from tests.support.rspamd import rspamd
from tests.support.senders import Sender, letter
from tests.support.services import free_port
from tests.support.spamd import spamd

ALICE = "alice@example.test"
BANK, FORGER, LISTS = "127.0.0.1", "127.0.0.66", "127.0.0.5"
SECONDS = 40.0
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD" + b"-ANTI-UBE-TEST-EMAIL*C.34X"


COMMANDS = """
import io, json, sys
import django
django.setup()
from django.core.management import CommandError, call_command
for line in sys.stdin:
    out, error = io.StringIO(), ""
    try:
        call_command(*json.loads(line), stdout=out)
    except CommandError as failure:
        error = str(failure) or "failed"
    print(json.dumps([out.getvalue(), error]), flush=True)
"""


class Commands:
    """`manage.py` in one process: to start it anew for each command takes a second each time."""

    def __init__(self, ours: Installation) -> None:
        self._process = Popen(
            [sys.executable, "-c", COMMANDS],
            cwd=ROOT,
            env={**ours.environment, "DJANGO_SETTINGS_MODULE": "mailhost.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str) -> str:
        """Its standard output. Raises if it fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(arguments), file=self._process.stdin, flush=True)
        said, error = json.loads(self._process.stdout.readline())
        if error:
            raise AssertionError(f"{arguments}: {error}")
        return str(said)

    def close(self) -> None:
        self._process.communicate(timeout=20)


@dataclass(frozen=True, slots=True)
class World:
    """All that takes part."""

    ours: Installation
    manage: Commands
    dns: DnsServer
    bank: Sender
    lists: Sender

    def give(self, raw: bytes, sender: str, source: str = FORGER) -> tuple[int, str]:
        """Hand a message to the door for other servers; the answer after the dot."""
        with smtplib.SMTP(timeout=30, source_address=(source, 0)) as client:
            client.connect("127.0.0.1", self.ours.ports["SMTP"])
            client.ehlo("mx.elsewhere.test")
            assert client.mail(sender)[0] == 250
            assert client.rcpt(ALICE)[0] == 250
            code, words = client.data(raw)
        return code, words.decode()

    def where(self, raw: bytes) -> str:
        """The folder in which Alice has a message; "" if it is nowhere."""
        with self.ours.imap(ALICE) as client:
            for _, _, name in client.list_folders():
                client.select_folder(name, readonly=True)
                if client.search(["HEADER", "Message-ID", message_id(raw)]):
                    return str(name)
        return ""

    def arrives(self, raw: bytes, folder: str) -> None:
        """Wait until it is there."""
        self.ours.wait_for(
            lambda: self.where(raw) == folder,
            SECONDS,
            f"{message_id(raw)} is not in {folder}, but in {self.where(raw) or 'none'}",
        )

    def why(self, name: str) -> str:
        """What is told of a message; waits until something is.

        Args:
            name: its Message-ID, or an answer of ours that names its trace.
        """
        named = re.findall(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b", name)
        told: list[str] = []

        def look() -> bool:
            with suppress(AssertionError):
                told[:] = [self.manage("why", named[0] if named else name)]
            return bool(told)

        self.ours.wait_for(look, 60, f"nothing is told of {name}")
        return told[0]

    def findings(self, raw: bytes) -> dict[str, float]:
        """The rules of a verdict and their points, Alice's."""
        told = json.loads(self.manage("why", message_id(raw), "--json"))
        return {one["rule"]: one["points"] for one in told[0]["findings"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    bank, lists = Sender("bank.test"), Sender("list.test")
    with DnsServer() as dns:
        dns.mail("example.test", "127.0.0.1", host="mail.example.test")
        bank.publish(dns, spf=f"v=spf1 ip4:{BANK} -all", dmarc="v=DMARC1; p=none")
        lists.publish(dns, spf=f"v=spf1 ip4:{LISTS} -all", dmarc="v=DMARC1; p=reject")
        settings = {"DNS_SERVERS": str(dns), "ARC_TRUSTED_SEALERS": "list.test"}
        with installation(tmp_path_factory.mktemp("spam"), settings, clerk=True) as ours:
            ours.add_people(ALICE)
            with closing(Commands(ours)) as manage:
                yield World(ours, manage, dns, bank, lists)


def message_id(raw: bytes) -> str:
    """As it stands in the message."""
    found = re.search(rb"(?i)^Message-ID: (\S+)", raw, re.MULTILINE)
    assert found is not None
    return found[1].decode()


def _letter(author: str, to: str = ALICE, subject: str = "Quarterly figures") -> bytes:
    """A message of today."""
    today = format_datetime(datetime.now(UTC)).encode()
    return re.sub(rb"(?m)^Date: [^\r]*", b"Date: " + today, letter(author, to, subject))


def _named(raw: bytes, author: str = "carol@outside.invalid") -> bytes:
    """A message of others' making with our fields above: a Message-ID that no other one has."""
    head = _letter(author).partition(b"\r\n\r\n")[0]
    own = [one for one in head.split(b"\r\n") if one.startswith((b"Message-ID", b"Date"))]
    left = re.sub(rb"(?im)^(Message-ID|Date):.*\r?\n", b"", raw)
    return b"\r\n".join([*own, re.sub(rb"\r?\n", b"\r\n", left)])


def _written(author: str, subject: str, body: str, *fields: str, kind: str = "plain") -> bytes:
    """A message with a body and fields of the test's."""
    head = _letter(author, subject=subject).partition(b"\r\n\r\n")[0].decode()
    made = ("MIME-Version: 1.0", f"Content-Type: text/{kind}; charset=utf-8")
    return "\r\n".join([head, *made, *fields, "", body, ""]).encode()


# refused at the dot

CLIENTS = {
    "swaks": (
        *("swaks", "--server", "127.0.0.1", "--port", "{port}", "--local-interface", FORGER),
        *("--from", "{sender}", "--to", ALICE, "--data", "@{file}", "--timeout", "30"),
    ),
    "curl": (
        *("curl", "-sS", "-v", "--interface", FORGER, "smtp://127.0.0.1:{port}/mx.forger.test"),
        *("--mail-from", "{sender}", "--mail-rcpt", ALICE, "-T", "{file}"),
    ),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_gtube_is_refused_at_the_dot(world: World, client: str, tmp_path: Path) -> None:
    spam = _written("seller@outside.invalid", "Offer", GTUBE.decode())
    file = tmp_path / "spam.eml"
    file.write_bytes(spam)
    words = {"port": world.ours.ports["SMTP"], "sender": "seller@outside.invalid", "file": file}
    command = [word.format(**words) for word in CLIENTS[client]]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode != 0, said
    assert said.index("354") < said.index("550"), said
    assert "GTUBE" in said
    assert world.where(spam) == ""


def test_what_is_refused_is_not_sent_back_and_can_be_asked_for(world: World) -> None:
    spam = _written("seller@outside.invalid", "Offer", GTUBE.decode())
    code, words = world.give(spam, "seller@outside.invalid")
    assert code == 550, words
    queue = json.loads(world.manage("queue", "list", "--json"))
    assert queue == [], "a refusal is answered, not sent"
    told = world.why(words)
    assert "GTUBE" in told
    assert "refused while the sender's server waited" in told


@pytest.mark.parametrize(
    "how", ["plain", "uuencode", "TNEF", "zip in zip", "7z", "rar 5", "nested multipart"]
)
def test_a_virus_is_refused_at_the_dot(world: World, how: str, tmp_path: Path) -> None:
    virus = _named(WRAPPED[how](tmp_path))
    code, words = world.give(virus, "carol@outside.invalid")
    assert (code, words[:5]) == (550, "5.7.1"), words
    assert "EICAR" in words
    assert world.where(virus) == ""


def test_a_virus_that_cannot_be_refused_is_quarantined(world: World, tmp_path: Path) -> None:
    """LMTP never waits: what came over it is ours."""
    virus = _named(WRAPPED["zip"](tmp_path))
    with smtplib.LMTP("127.0.0.1", world.ours.ports["LMTP"]) as client:
        client.ehlo_or_helo_if_needed()
        client.sendmail("carol@outside.invalid", [ALICE], virus)

    def kept() -> list[dict[str, Any]]:
        listed = json.loads(world.manage("quarantine", "list", "--json"))
        return [one for one in listed if one["rule"] == "VIRUS_EICAR"]

    world.ours.wait_for(kept, SECONDS, "it is not in quarantine")
    assert world.where(virus) == ""
    told = world.why(message_id(virus))
    assert "EICAR" in told
    assert "kept back in quarantine" in told

    (number,) = [str(one["number"]) for one in kept()]
    with pytest.raises(AssertionError, match="can do harm"):
        world.manage("quarantine", "release", number)
    world.manage("quarantine", "release", number, "--harmful")
    world.arrives(virus, "INBOX")


# what is honest gets through


def test_a_newsletter_comes_into_the_inbox(world: World) -> None:
    raw = world.bank.sign(
        _written(
            "Bank News <news@bank.test>",
            "Your savings in spring",
            "<html><body><h1>Spring</h1><p>Rates for savings are up. <a"
            ' href="https://www.bank.test/spring">Read more</a></p><p><a'
            ' href="https://www.bank.test/leave">Unsubscribe</a></p></body></html>',
            "List-Id: <news.bank.test>",
            "List-Unsubscribe: <https://www.bank.test/leave>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Precedence: bulk",
            kind="html",
        )
    )
    assert world.give(raw, "bounces@bank.test", BANK)[0] == 250
    world.arrives(raw, "INBOX")
    assert "nothing speaks against the inbox" in world.why(message_id(raw))


def test_a_login_code_comes_into_the_inbox(world: World) -> None:
    raw = world.bank.sign(
        _written(
            "Bank <no-reply@bank.test>",
            "Your code to sign in: 482913",
            "Your verification code is 482913. It expires in ten minutes.",
            "Auto-Submitted: auto-generated",
        )
    )
    assert world.give(raw, "no-reply@bank.test", BANK)[0] == 250
    world.arrives(raw, "INBOX")


def test_a_forward_comes_into_the_inbox(world: World) -> None:
    """SPF fails, for a server that hands on is none of the bank's; the signature holds."""
    raw = world.bank.sign(_letter("Clerk <clerk@bank.test>", "forward@list.test"))
    assert world.give(raw, "clerk@bank.test", LISTS)[0] == 250
    world.arrives(raw, "INBOX")


def test_a_post_to_a_list_comes_into_the_inbox(world: World) -> None:
    genuine = world.bank.sign(_letter("Paul <paul@bank.test>", "members@list.test"))
    came = world.lists.seal(
        genuine, "dkim=pass header.d=bank.test", "dmarc=pass header.from=bank.test"
    )
    changed = came.replace(b"Subject: ", b"List-Id: <members.list.test>\r\nSubject: [members] ")
    raw = world.lists.seal(
        changed + b"-- \r\nmembers@list.test\r\n",
        "arc=pass",
        "dkim=fail header.d=bank.test",
        "dmarc=fail header.from=bank.test",
    )
    assert world.give(raw, "members-bounces@list.test", LISTS)[0] == 250
    world.arrives(raw, "INBOX")


def test_forged_mail_of_a_bank_does_not(world: World) -> None:
    """The bank only asks for reports (p=none); its name and its link are all that is left."""
    raw = _written(
        '"Bank Security" <security@bank.test>',
        "Your account is suspended",
        "<html><body><p>Your account is suspended. Verify your password within 24 hours:"
        ' <a href="http://203.0.113.9/bank.test/login">https://www.bank.test/login</a></p>'
        "</body></html>",
        kind="html",
    )
    code, words = world.give(raw, "bounce@evil.invalid")
    if code == 250:
        world.arrives(raw, "Junk")
    else:
        assert code == 550
    told = world.why(words)
    assert "https://www.bank.test" in told or "203.0.113.9" in told, told


# learned from the user


def _pills(number: int) -> bytes:
    """Mail that many have complained of."""
    return _written(
        f"Store <store{number}@shop.invalid>",
        f"Discount number {number} on tablets",
        f"Order tablets today, delivered discreetly, {number * 7} percent off, no prescription.",
    )


def _news(number: int) -> bytes:
    """Mail of the choir."""
    return _written(
        f"Choir <choir{number}@singers.invalid>",
        f"Rehearsal number {number}",
        "Dear singers, on Tuesday we rehearse the second movement; bring your scores and a"
        f" pencil. The altos begin on page {number * 13}.",
    )


def _offer(number: int) -> bytes:
    """Mail about roofs, which nobody has asked for, and nothing speaks against."""
    return _written(
        f"Roofers <offers{number}@roofs.invalid>",
        f"New tiles for your roof number {number}",
        "Dear neighbour, we lay tiles and mend gutters and chimneys all over the county."
        f" Ask our foreman for a visit; quote the number {number * 7919}.",
    )


def test_moving_a_message_into_junk_changes_the_next_verdict(world: World, tmp_path: Path) -> None:
    for kind, make in (("spam", _pills), ("ham", _news)):
        (tmp_path / kind / "new").mkdir(parents=True)
        for number in range(24):
            (tmp_path / kind / "new" / f"{number}").write_bytes(make(number))
    known = ["--spam", str(tmp_path / "spam"), "--ham", str(tmp_path / "ham")]
    world.manage("spam", "train", *known, "--user", ALICE)

    offers = map(_offer, itertools.count())
    first = next(offers)
    before = _points(world, first)
    assert world.where(first) == "INBOX"

    _curl_move(world, first, "INBOX", "Junk")
    after = 0.0

    def is_learned() -> bool:
        nonlocal after
        after = _points(world, next(offers))
        return after > before + 0.5

    world.ours.wait_for(is_learned, SECONDS, "nothing was learned")

    _curl_move(world, first, "Junk", "INBOX")
    world.ours.wait_for(
        lambda: _points(world, next(offers)) < after, SECONDS, "nothing was unlearned"
    )


def _points(world: World, raw: bytes) -> float:
    """What the learned filter says of a message to Bob."""
    assert world.give(raw, "offers@roofs.invalid")[0] == 250
    world.ours.wait_for(lambda: world.where(raw), SECONDS, "it does not arrive")
    found = world.findings(raw)
    return sum(points for rule, points in found.items() if rule.startswith("BAYES"))


def _curl_move(world: World, raw: bytes, source: str, target: str) -> None:
    with world.ours.imap(ALICE) as client:
        client.select_folder(source, readonly=True)
        (uid,) = client.search(["HEADER", "Message-ID", message_id(raw)])
    port = world.ours.ports["IMAPS"]
    command = ["curl", "-sS", "-k", "--user", f"{ALICE}:{PASSWORD}"]
    command += [f"imaps://127.0.0.1:{port}/{source}", "-X", f"UID MOVE {uid} {target}"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert world.where(raw) == target


# Debian's scanners; in the short form tests/scan/servers/test_real.py asks them, without a service


def _program() -> bytes:
    """The program that ClamAV is tested with, in a package that our own filter cannot open."""
    message = EmailMessage()
    message.set_content("See the attachment.")
    content = (TESTFILES / "clam.sis").read_bytes()
    message.add_attachment(
        content, maintype="application", subtype="octet-stream", filename="papers.sis"
    )
    return _named(b"From: carol@outside.invalid\nSubject: The report\n" + message.as_bytes())


@pytest.fixture(scope="module")
def clam_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def scanned(world: World, clam_port: int) -> Iterator[Popen[bytes]]:
    """The service once more, with three scanners; the process of ClamAV."""
    with (
        clamd(extra=_listening(clam_port)) as clam,
        spamd() as assassin,
        rspamd(world.dns.port) as rspam,
    ):
        world.ours.stop()
        world.ours.environment.update(
            CLAMD=f"127.0.0.1:{clam_port}",
            SPAMD=assassin.place,
            RSPAMD_URL=rspam.url,
            SCANNERS_DEAD="defer",
        )
        world.ours.start()
        world.ours.wait_for(world.ours.is_judging, SECONDS, "nobody judges mail")
        yield clam.process


def _listening(port: int) -> str:
    """Lines of clamd.conf."""
    return f"TCPSocket {port}\nTCPAddr 127.0.0.1\n"


@pytest.mark.long
@pytest.mark.usefixtures("scanned")
def test_each_scanner_has_its_words_in_the_verdict(world: World) -> None:
    undated = re.sub(rb"\r\nDate: [^\r]*", b"", _letter("carol@outside.invalid"))
    assert world.give(undated, "carol@outside.invalid")[0] == 250
    world.ours.wait_for(lambda: world.where(undated), SECONDS, "it does not arrive")
    assert {"RSPAMD_MISSING_DATE", "SPAMD_MISSING_DATE"} <= world.findings(undated).keys()

    virus = _program()
    code, words = world.give(virus, "carol@outside.invalid")
    assert code == 550, words
    assert "ClamAV finds the virus Test.Program" in words
    assert world.where(virus) == ""


@pytest.mark.long
def test_mail_waits_for_a_scanner_that_is_dead(
    world: World, clam_port: int, scanned: Popen[bytes]
) -> None:
    scanned.kill()
    scanned.wait(10)
    refused, kept = (world.bank.sign(_letter("Clerk <clerk@bank.test>")) for _ in range(2))
    code, words = world.give(refused, "clerk@bank.test", BANK)
    assert (code, words[:2]) == (451, "4."), words
    with smtplib.LMTP("127.0.0.1", world.ours.ports["LMTP"]) as client:
        client.ehlo_or_helo_if_needed()
        client.sendmail("clerk@bank.test", [ALICE], kept)
        client.sendmail("carol@outside.invalid", [ALICE], virus := _program())

    def queue() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(world.manage("queue", "list", "--json"))
        return rows

    def do_wait() -> bool:
        return sum("clamd" in one["last_error"] for one in queue()) == 2

    world.ours.wait_for(do_wait, 60, "the messages do not wait for clamd", pause=0.7)
    assert world.where(kept) == ""
    with clamd(extra=_listening(clam_port)):
        world.arrives(kept, "INBOX")
        world.ours.wait_for_empty_queue(SECONDS, "the virus is not judged")
        assert "ClamAV finds the virus Test.Program" in world.why(message_id(virus))
    assert world.where(virus) == ""
