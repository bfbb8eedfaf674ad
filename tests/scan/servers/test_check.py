"""All scanners as one check: what becomes of a message when one of them is away, slow, or lies."""

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from pytest_django import Settings

from apps.scan.base import Action, Case, Finding
from apps.scan.servers import asking, check, guard, trial
from apps.scan.servers.check import Servers, mark
from tests.scan.servers.cases import LETTER, case
from tests.support.peer import closed_place, peer

GONE = 1e9


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing remembered from other tests, and who answers may take as long as the machine does."""
    monkeypatch.setattr(check, "SECONDS", 30.0)
    monkeypatch.setattr(asking, "PING_SECONDS", 10.0)
    monkeypatch.setattr(guard, "PAUSES", (GONE,))
    check._guards.clear()
    yield
    check._guards.clear()


def _found(*cases: Case) -> list[list[Finding]]:
    """The findings for each; what is gathered must be kept by JSON unchanged."""
    given = Servers().gather(cases)
    assert json.loads(json.dumps(given)) == given
    return [Servers().judge(one, kept) for one, kept in zip(cases, given, strict=True)]


def _rules(findings: Sequence[Finding]) -> list[tuple[str, Action]]:
    return [(one.rule, one.action) for one in findings]


def _read_stream(client: socket.socket) -> bytes:
    """A whole INSTREAM, or a short command."""
    with client.makefile("rb") as file:
        command = b""
        while not command.endswith(b"\0"):
            command += file.read(1) or b"\0"
        if command != b"zINSTREAM\0":
            return command
        found = b""
        while size := int.from_bytes(file.read(4), "big"):
            found += file.read(size)
        return found


def _clamd(reply: bytes) -> Callable[[socket.socket], None]:
    def answer(client: socket.socket) -> None:
        command = _read_stream(client)
        client.sendall(b"ClamAV 1.4\0" if command == b"zVERSION\0" else reply)

    return answer


def test_it_asks_nobody_if_none_is_set() -> None:
    assert Servers().gather([case(), case()]) == [None, None]
    assert Servers().judge(case(), None) == []


def test_it_sends_clamd_the_whole_message_below_how_it_came(settings: Settings) -> None:
    heard: list[bytes] = []

    def answer(client: socket.socket) -> None:
        heard.append(_read_stream(client))
        client.sendall(b"stream: OK\0")

    large = LETTER + b"x" * 300_000
    with peer(answer) as clamd:
        settings.CLAMD = clamd.place
        assert _found(case(large)) == [[]]
    assert heard[0].startswith(b"Return-Path: <ann@writer.test>\r\nReceived: from ")
    assert heard[0].endswith(large)


@pytest.mark.parametrize(("dead", "action"), [("mark", Action.NONE), ("defer", Action.DEFER)])
@pytest.mark.parametrize("name", ["CLAMD", "SPAMD", "RSPAMD_URL"])
def test_a_dead_scanner_is_never_passed_over_in_silence(
    settings: Settings, name: str, dead: str, action: Action
) -> None:
    place = closed_place()
    setattr(settings, name, f"http://{place}" if name == "RSPAMD_URL" else place)
    settings.SCANNERS_DEAD = dead
    (found,) = _found(case(age=100_000))
    assert _rules(found) == [("SCANNER_AWAY", action)]
    scanner = name.lower().removesuffix("_url")
    assert mark(found) == f"{scanner} does not answer: Connection refused"


def test_what_one_finds_counts_though_another_is_dead(settings: Settings) -> None:
    with peer(_clamd(b"stream: Bad.Thing FOUND\0")) as clamd:
        settings.CLAMD, settings.SPAMD = clamd.place, closed_place()
        (found,) = _found(case())
    assert set(_rules(found)) == {
        ("CLAMD_VIRUS", Action.REFUSE),
        ("SCANNER_AWAY", Action.NONE),
    }


def test_one_that_hangs_is_away_and_costs_one_deadline(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "SECONDS", 1.5)
    monkeypatch.setattr(asking, "PING_SECONDS", 0.5)
    monkeypatch.setattr(asking, "_LEAST_SECONDS", 0.1)
    cases = [case() for _ in range(40)]
    with peer() as clamd:
        settings.CLAMD = clamd.place
        began = time.monotonic()
        first = _found(*cases)
        took = time.monotonic() - began
        began = time.monotonic()
        again = _found(*cases)
        took_again = time.monotonic() - began
        assert clamd.connections == 10 + 1  # ten at once, and a ping for all of them
    assert [_rules(one) for one in first + again] == [[("SCANNER_AWAY", Action.NONE)]] * 80
    assert took < 10
    assert took_again < took


def test_one_that_was_away_is_asked_with_a_ping_when_it_may_be_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "PAUSES", (0.0,))
    settings.CLAMD = closed_place()
    assert _rules(_found(case())[0]) == [("SCANNER_AWAY", Action.NONE)]
    with peer(_clamd(b"stream: OK\0")) as clamd:
        settings.CLAMD = clamd.place
        assert _found(case(), case()) == [[], []]
        assert clamd.connections == 3
        assert _found(case()) == [[]]
        assert clamd.connections == 4


def test_a_message_that_no_answer_comes_for_does_not_make_a_scanner_dead(
    settings: Settings,
) -> None:
    def answer(client: socket.socket) -> None:
        heard = _read_stream(client)
        if b"poison" in heard:
            return  # it hangs up
        client.sendall(b"ClamAV 1.4\0" if heard == b"zVERSION\0" else b"stream: OK\0")

    with peer(answer) as clamd:
        settings.CLAMD, settings.SCANNERS_DEAD = clamd.place, "defer"
        good, bad, good_too = _found(case(), case(LETTER + b"poison"), case())
        (old,) = _found(case(LETTER + b"poison", age=check.MISSED_SECONDS))
    assert (good, good_too) == ([], [])
    assert _rules(bad) == [("SCANNER_MISSED", Action.DEFER)]
    assert _rules(old) == [("SCANNER_MISSED", Action.NONE)]  # it may be so for ever
    assert "closed the connection" in mark(old)


@pytest.mark.parametrize(("age", "action"), [(0, Action.DEFER), (1000, Action.NONE)])
def test_who_finds_no_turn_comes_again(
    settings: Settings, age: int, action: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "SECONDS", 10.0)
    monkeypatch.setattr(asking, "_LEAST_SECONDS", 9.5)  # after half a second none is begun

    def answer(client: socket.socket) -> None:
        if _read_stream(client) == b"zVERSION\0":
            client.sendall(b"ClamAV 1.4\0")
        else:
            clamd.over.wait(0.7)
            client.sendall(b"stream: OK\0")

    with peer(answer) as clamd:
        settings.CLAMD = clamd.place
        found = _found(*(case(age=age) for _ in range(40)))
        assert clamd.most_at_once <= 10 + 1  # and a ping
    assert [_rules(one) for one in found[:10]] == [[]] * 10
    assert [_rules(one) for one in found[10:]] == [[("SCANNER_BUSY", action)]] * 30


def test_large_mail_is_not_for_spamd(settings: Settings) -> None:
    with peer() as spamd:
        settings.SPAMD, settings.SCANNERS_DEAD = spamd.place, "defer"
        (found,) = _found(case(LETTER + b"x" * 512_000))
        assert spamd.connections == 0
    assert _rules(found) == [("SCANNER_SKIPPED", Action.NONE)]
    assert mark(found) == ""


def test_one_that_has_had_enough_of_a_message_is_heard(settings: Settings) -> None:
    def answer(client: socket.socket) -> None:
        if client.recv(10) == b"zVERSION\0":
            client.sendall(b"ClamAV 1.4\0")
            return
        client.recv(1000)
        client.sendall(b"INSTREAM size limit exceeded. ERROR\0")

    with peer(answer) as clamd:
        settings.CLAMD = clamd.place
        (found,) = _found(case(LETTER + b"x" * 30_000_000))
    assert _rules(found) == [("SCANNER_MISSED", Action.NONE)]


def _endless(start: bytes) -> Callable[[socket.socket], None]:
    def answer(client: socket.socket) -> None:
        client.recv(100)
        client.sendall(start)
        for _ in range(100):
            client.sendall(b"A" * 1_000_000)

    return answer


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("CLAMD", b"stream: "),
        ("SPAMD", b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 9 / 5\r\n\r\n---- -----"),
        ("RSPAMD_URL", b"HTTP/1.1 200 OK\r\n\r\n"),
        ("RSPAMD_URL", b"HTTP/1.1 200 OK\r\nX: "),
        ("RSPAMD_URL", b"HTTP/1.1 100 Continue\r\n"),
    ],
)
def test_one_that_never_stops_is_not_listened_to(
    settings: Settings, name: str, start: bytes
) -> None:
    with peer(_endless(start)) as scanner:
        setattr(settings, name, scanner.url if name == "RSPAMD_URL" else scanner.place)
        began = time.monotonic()
        (found,) = _found(case())
        assert time.monotonic() - began < 10
    assert len(found) <= 2
    assert len(json.dumps([one.as_data() for one in found])) < 2_000


@pytest.mark.parametrize("reply", [b"", b"\0" * 100, b"HTTP/1.1 999 \r\n\r\n", b"\xff" * 5000])
@pytest.mark.parametrize("name", ["CLAMD", "SPAMD", "RSPAMD_URL"])
def test_nonsense_is_no_verdict(settings: Settings, name: str, reply: bytes) -> None:
    def answer(client: socket.socket) -> None:
        client.recv(100_000)
        client.sendall(reply)

    with peer(answer) as scanner:
        setattr(settings, name, scanner.url if name == "RSPAMD_URL" else scanner.place)
        (found,) = _found(case())
    assert found[0].rule in {"SCANNER_MISSED", "SCANNER_AWAY"}
    assert len(found) == 1


def test_rspamd_hears_of_the_envelope_and_nobody_adds_a_field(settings: Settings) -> None:
    heard: list[bytes] = []

    def answer(client: socket.socket) -> None:
        heard.append(client.recv(100_000))
        body = json.dumps({"action": "add header", "score": 7, "required_score": 15}).encode()
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    given: dict[str, Any] = {
        "sender": "ann@writer.test\r\nPass: all",
        "recipients": tuple(f"user{number}@example.test" for number in range(500)),
    }
    with peer(answer) as rspamd:
        settings.RSPAMD_URL = rspamd.url + "/folder"
        (found,) = _found(case(**given))
    assert heard[0].startswith(b"POST /folder/checkv2 HTTP/1.1\r\n")
    assert b"\r\nIP: 192.0.2.7\r\nHelo: mx.writer.test\r\n" in heard[0]
    assert b"\r\nPass:" not in heard[0]
    assert heard[0].count(b"\r\nRcpt: ") == 50
    assert _rules(found) == [("RSPAMD_OTHER", Action.NONE)]
    assert found[0].points == 7.0


def test_an_error_of_our_own_passes_for_no_verdict(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(self: object, cases: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(asking.Asking, "all", fail)
    settings.CLAMD, settings.SCANNERS_DEAD = closed_place(), "defer"
    assert _rules(_found(case())[0]) == [("SCANNER_AWAY", Action.DEFER)]
    assert "could not be asked" in caplog.text


def test_it_judges_the_same_whatever_the_settings_are_by_then(settings: Settings) -> None:
    settings.CLAMD, settings.SCANNERS_DEAD = closed_place(), "defer"
    message = case()
    (given,) = Servers().gather([message])
    settings.CLAMD, settings.SCANNERS_DEAD = None, "mark"
    assert _rules(Servers().judge(message, given)) == [("SCANNER_AWAY", Action.DEFER)]


def test_a_clamd_without_signatures_does_not_pass_its_trial(settings: Settings) -> None:
    with peer(_clamd(b"stream: OK\0")) as clamd:
        settings.CLAMD = clamd.place
        (report,) = trial.reports()
    assert (report.works, report.says) == (False, "ClamAV 1.4")
    assert report.wrong == "it does not find what every scanner of its kind knows"
