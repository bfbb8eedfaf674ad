"""Debian's own clamd, spamd and rspamd, each asked as in service."""

import base64
import io
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.scan.base import Action, Finding
from apps.scan.servers import asking, check, guard
from apps.scan.servers.check import Servers
from mailhost.env import Endpoint
from tests.scan.servers.cases import LETTER, case
from tests.support.clamd import EICAR, TESTFILES, Clamd, clamd
from tests.support.dns_server import DnsServer
from tests.support.rspamd import Rspamd, rspamd
from tests.support.services import LOOPBACK
from tests.support.spamd import Spamd, spamd

# In two parts, for scanners that look at this file.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD" + b"-ANTI-UBE-TEST-EMAIL*C.34X\r\n"


@pytest.fixture(scope="module")
def clam() -> Iterator[Clamd]:
    with clamd() as found:
        yield found


@pytest.fixture(scope="module")
def assassin() -> Iterator[Spamd]:
    with spamd() as found:
        yield found


@pytest.fixture(scope="module")
def rspam() -> Iterator[Rspamd]:
    with DnsServer() as dns, rspamd(dns.port) as found:
        yield found


@pytest.fixture(autouse=True)
def _no_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(check, "SECONDS", 60.0)  # they compete with other tests for the processor
    monkeypatch.setattr(asking, "PING_SECONDS", 30.0)
    check._guards.clear()
    yield
    check._guards.clear()


def _findings(raw: bytes) -> list[Finding]:
    message = case(raw)
    (given,) = Servers().gather([message])
    return Servers().judge(message, given)


def _mail(content: bytes, name: str = "file.bin") -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "ann@writer.test", "bob@example.test"
    message.set_content("See the attachment.\r\n")
    message.add_attachment(content, maintype="application", subtype="x", filename=name)
    return message.as_bytes().replace(b"\n", b"\r\n")


@pytest.mark.parametrize("file", sorted(TESTFILES.iterdir()), ids=lambda path: path.name)
def test_clamd_finds_each_file_that_clamav_is_tested_with(
    settings: Settings, clam: Clamd, file: Path
) -> None:
    settings.CLAMD = clam.socket
    (found,) = _findings(_mail(file.read_bytes(), file.name))
    assert (found.rule, found.action) == ("CLAMD_VIRUS", Action.REFUSE)
    assert "Test.Program" in found.words


def test_there_are_as_many_of_them_as_debian_has() -> None:
    assert len(list(TESTFILES.iterdir())) == 44


def test_clamd_finds_eicar_and_nothing_in_a_letter(settings: Settings, clam: Clamd) -> None:
    settings.CLAMD = clam.socket
    (found,) = _findings(_mail(EICAR, "eicar.com"))
    assert found.words == "ClamAV finds the virus Test.Eicar.UNOFFICIAL"
    assert _findings(LETTER) == []
    assert _findings(_mail(base64.b64encode(os.urandom(3000)))) == []


@pytest.mark.parametrize(
    "first",
    [b"", b"X-Greeting: hello\r\n", b"DKIM-Signature: v=1\r\n", b"%PDF-1.4: x\r\n", b"\xff: x\r\n"],
)
def test_clamd_takes_a_message_for_one_however_it_begins(
    settings: Settings, clam: Clamd, first: bytes
) -> None:
    settings.CLAMD = clam.socket
    encoded = base64.encodebytes(EICAR).replace(b"\n", b"\r\n")
    raw = b"%bContent-Transfer-Encoding: base64\r\n\r\n%b" % (first, encoded)
    assert [one.rule for one in _findings(raw)] == ["CLAMD_VIRUS"]


def test_clamd_says_that_a_message_is_too_large_for_it(settings: Settings, clam: Clamd) -> None:
    settings.CLAMD = clam.socket
    (found,) = _findings(LETTER + b"x" * 11_000_000)
    assert found.rule == "SCANNER_MISSED"
    assert "StreamMaxLength" in found.words, found.words


def test_spamd_knows_gtube_and_an_honest_letter(settings: Settings, assassin: Spamd) -> None:
    settings.SPAMD = Endpoint(LOOPBACK, assassin.port)
    spam = _findings(LETTER + GTUBE)
    assert round(sum(one.points for one in spam), 2) == 8.0
    assert spam[0].rule == "SPAMD_GTUBE"
    assert spam[0].words == "spamd says: BODY: Generic Test for Unsolicited Bulk Email"
    # Of today: spamd counts how late a letter is.
    ham = _findings(re.sub(rb"Date: [^\r]*", b"Date: " + formatdate().encode(), LETTER))
    assert sum(one.points for one in ham) < 5.0
    assert {"SPAMD_GTUBE", "SPAMD_MISSING_DATE"}.isdisjoint(one.rule for one in ham)


def test_spamd_answers_for_a_last_line_without_an_end(settings: Settings, assassin: Spamd) -> None:
    settings.SPAMD = Endpoint(LOOPBACK, assassin.port)
    assert _findings(LETTER + GTUBE.rstrip())[0].rule == "SPAMD_GTUBE"


def test_rspamd_knows_gtube_and_an_honest_letter(settings: Settings, rspam: Rspamd) -> None:
    settings.RSPAMD_URL = rspam.url
    spam = _findings(LETTER + GTUBE)
    assert max(one.points for one in spam) == 15.0
    assert spam[-1].words == "rspamd says: it would refuse it: Gtube pattern"
    assert sum(one.points for one in _findings(LETTER)) < 2.0
    undated = {one.rule: one for one in _findings(LETTER.replace(b"\r\nDate:", b"\r\nX-Date:"))}
    assert undated["RSPAMD_MISSING_DATE"].words == "rspamd says: Message date is missing"


def test_the_command_says_that_all_of_them_work(
    settings: Settings, clam: Clamd, assassin: Spamd, rspam: Rspamd
) -> None:
    settings.CLAMD, settings.RSPAMD_URL = clam.socket, rspam.url
    settings.SPAMD = Endpoint(LOOPBACK, assassin.port)
    lines = _scanners().splitlines()
    assert lines[:2] == ["rspamd: works (pong)", "spamd: works (SPAMD/1.5 0 PONG)"]
    assert re.fullmatch(r"clamd: works \(ClamAV [0-9].*\)", lines[2])


def test_the_command_says_what_does_not_work(settings: Settings, assassin: Spamd) -> None:
    assert _scanners() == "None is set: RSPAMD_URL, SPAMD and CLAMD are empty.\n"
    settings.SPAMD = Endpoint(LOOPBACK, assassin.port)
    settings.CLAMD = Path("/nowhere/clamd.ctl")
    out = io.StringIO()
    with pytest.raises(CommandError, match="Not all"):
        call_command("scanners", "--json", stdout=out)
    spamd, clamd = json.loads(out.getvalue())
    assert spamd["works"]
    assert clamd["wrong"] == "No such file or directory"


def _scanners() -> str:
    out = io.StringIO()
    call_command("scanners", stdout=out)
    return out.getvalue()


def test_one_that_is_stopped_and_goes_on_is_heard_again(
    settings: Settings, clam: Clamd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "PAUSES", (0.0,))
    settings.CLAMD, settings.SCANNERS_DEAD = clam.socket, "defer"
    virus = _mail(EICAR)
    clam.process.send_signal(signal.SIGSTOP)
    try:
        with monkeypatch.context() as hasty:
            hasty.setattr(check, "SECONDS", 1.0)
            hasty.setattr(asking, "PING_SECONDS", 0.3)
            began = time.monotonic()
            (found,) = _findings(virus)
        assert (found.rule, found.action) == ("SCANNER_AWAY", Action.DEFER)
        assert time.monotonic() - began < 10
    finally:
        clam.process.send_signal(signal.SIGCONT)
    assert [one.rule for one in _findings(virus)] == ["CLAMD_VIRUS"]


def test_one_that_is_killed_is_away(settings: Settings) -> None:
    with clamd() as mortal:
        settings.CLAMD = mortal.socket
        assert [one.rule for one in _findings(_mail(EICAR))] == ["CLAMD_VIRUS"]
        mortal.process.kill()
        mortal.process.wait(10)
        (found,) = _findings(_mail(EICAR))
    assert (found.rule, found.action) == ("SCANNER_AWAY", Action.NONE)
