"""What the flight recorder keeps of the doors: what was said, what was refused and why, and never a
secret."""

import json
from binascii import a2b_base64
from collections.abc import Callable
from typing import Any

import pytest

from apps.directory.models import User, UserState
from apps.directory.services import tokens
from apps.directory.services.limits import set_limits
from apps.mailstore.services import quota
from apps.smtp import intake
from apps.trace.models import TraceEvent
from apps.wire.errors import StorageUnavailable
from apps.wire.spoken import lines_of
from tests.smtp.test_judgement import soon
from tests.support.channel import oauthbearer, xoauth2
from tests.support.scram_client import ScramClient
from tests.support.smtp_dialogue import PASSWORD, Client, Running, base64, plain
from tests.support.tracing import told

LETTER = (
    b"Subject: Hello\r\nMessage-ID: <1@x.test>\r\nFrom: alice@example.test\r\n\r\nHi Alice.\r\n"
)
ALICE = "alice@example.test"


def events(kind: str) -> list[dict[str, Any]]:
    """The data of all events of a kind, in their order."""
    told()
    rows = TraceEvent.objects.filter(kind=kind).order_by("at", "id")
    return [json.loads(one.data) for one in rows]


def refusals(count: int = 1, door: str = "mx") -> list[dict[str, Any]]:
    """The refusals of a door, when they are written."""
    found: list[dict[str, Any]] = soon(
        lambda: events(f"{door}.refused") if len(events(f"{door}.refused")) >= count else None
    )
    assert len(found) == count
    return found


def said(data: dict[str, Any]) -> list[str]:
    return [line.shown for line in lines_of(data["dialogue"])]


def give(client: Client, *recipients: str, raw: bytes = LETTER) -> None:
    assert client.ask("MAIL FROM:<carol@x.test>").code == 250
    for one in recipients:
        client.ask(f"RCPT TO:<{one}>")
    assert client.ask("DATA").code == 354
    client.text(raw)


def test_what_was_said_is_kept_with_a_message(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        client.starttls()
        client.ask("EHLO me.test")
        give(client, ALICE)
    (found,) = events("mx.received")
    assert (found["subject"], found["message_id"]) == ("Hello", "<1@x.test>")
    assert found["sni"] == "localhost"
    assert found["tls"].startswith("TLSv1.3 ")
    told = said(found)
    assert told[0] == "< 220 mail.example.test ESMTP ready"
    assert told[1] == "> EHLO me.test"
    assert told[3:5] == ["> STARTTLS", "< 220 2.0.0 Ready to start TLS"]
    assert told[5] == f"= TLS began: {found['tls']}, localhost was asked for"
    assert told[-7:] == [
        "> MAIL FROM:<carol@x.test>",
        "< 250 2.1.0 Sender ok",
        f"> RCPT TO:<{ALICE}>",
        "< 250 2.1.5 Recipient ok",
        "> DATA",
        "< 354 End with <CRLF>.<CRLF>",
        f"= {len(LETTER)} octets of text",
    ]
    lines = lines_of(found["dialogue"])
    assert [line.about for line in lines if line.about is not None] == [ALICE, ALICE]
    assert "Hi Alice" not in json.dumps(found)
    stages = [line.at_ms for line in lines]
    assert stages == sorted(stages)


def test_each_transaction_is_told_alone(smtp: Running, alice: User, bob: User) -> None:
    with smtp.ready() as client:
        give(client, ALICE)
        client.ask("MAIL FROM:<other@x.test>")
        client.ask("RSET")
        give(client, bob.address, raw=LETTER.replace(b"Hello", b"Again"))
    first, second = events("mx.received")
    assert (first["subject"], second["subject"]) == ("Hello", "Again")
    assert not any(ALICE in line or "other@" in line or "RSET" in line for line in said(second))
    assert said(second)[:2] == said(first)[:2]


def test_chunks_are_told_without_their_text(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        client.ask("MAIL FROM:<carol@x.test>")
        client.ask(f"RCPT TO:<{ALICE}>")
        client.send(b"BDAT 9\r\nSubject: ")
        assert client.reply().code == 250
        client.send(b"BDAT 9 LAST\r\nx\r\n\r\nHi\r\n")
        assert client.reply().code == 250
    (found,) = events("mx.received")
    assert said(found)[-4:] == [
        "> BDAT 9",
        "< 250 2.0.0 Chunk ok",
        "> BDAT 9 LAST",
        "= 18 octets of text",
    ]


def _suspended(alice: User) -> str:
    User.objects.filter(pk=alice.pk).update(state=UserState.SUSPENDED)
    return ALICE


def _full(alice: User) -> str:
    User.objects.filter(pk=alice.pk).update(quota=100)
    quota.reserve([(alice.pk, 100)])
    return ALICE


@pytest.mark.parametrize(
    ("prepare", "cause", "reply"),
    [
        (lambda _: "nobody@example.test", "unknown", "550 5.1.1 No such user here"),
        (lambda _: "x@elsewhere.test", "relay", "550 5.7.1 We do not relay for this domain"),
        (_full, "full", "452 4.2.2 Mailbox is full"),
        (_suspended, "suspended", "550 5.2.1 Mailbox is disabled"),
    ],
)
def test_a_recipient_who_is_refused_is_found(
    smtp: Running, alice: User, prepare: Callable[[User], str], cause: str, reply: str
) -> None:
    address = prepare(alice)
    with smtp.ready() as client:
        client.ask("MAIL FROM:<carol@x.test>")
        assert str(client.ask(f"RCPT TO:<{address}>")) == reply
    (found,) = refusals()
    assert (found["from"], found["to"], found["stage"]) == ("carol@x.test", [address], "rcpt")
    assert (found["cause"], found["reply"]) == (cause, reply)
    assert (found["address"], found["helo"]) == ("127.0.0.1", "me.test")
    assert said(found)[-2:] == [f"> RCPT TO:<{address}>", f"< {reply}"]


def test_those_who_are_taken_and_those_who_are_not_stand_in_one_trace(
    smtp: Running, alice: User
) -> None:
    with smtp.ready() as client:
        give(client, ALICE, "nobody@example.test", "none@example.test", "x@elsewhere.test")
    unknown, relay = refusals(2)
    assert unknown["to"] == ["nobody@example.test", "none@example.test"]
    assert relay["to"] == ["x@elsewhere.test"]
    told()
    kinds = TraceEvent.objects.filter(kind__in=["mx.received", "mx.refused"])
    assert kinds.values("trace_id").distinct().count() == 1
    assert events("mx.received")[0]["to"] == [ALICE]


def test_hundreds_of_recipients_are_one_bounded_event(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        lines = [f"RCPT TO:<u{number}@elsewhere.test>\r\n" for number in range(15)]
        client.send(f"MAIL FROM:<carol@x.test>\r\n{''.join(lines)}".encode())
        assert [client.reply().code for _ in range(16)] == [250] + [550] * 15
        client.ask("QUIT")
    (found,) = refusals()
    assert found["to"] == [f"u{number}@elsewhere.test" for number in range(15)]
    assert 0 < len(lines_of(found["dialogue"])) <= 24
    assert found["left_out"] > 0


@pytest.mark.parametrize(
    ("command", "cause", "code"),
    [
        ("MAIL FROM:<carol@x.test> SIZE=99999999999", "size", 552),
        ("MAIL FROM:<carol@x.test> REQUIRETLS", "parameter", 555),
    ],
)
def test_a_sender_who_is_refused_is_found(
    smtp: Running, command: str, cause: str, code: int
) -> None:
    with smtp.ready() as client:
        assert client.ask(command).code == code
        assert client.ask("MAIL FROM:<next@x.test>").code == 250
    (found,) = refusals()
    assert (found["from"], found["to"], found["stage"]) == ("carol@x.test", [], "mail")
    assert (found["cause"], found["reply"][:3]) == (cause, str(code))
    assert said(found)[-2] == f"> {command}"


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b"Subject: x\r\n\r\nsmuggled\n.\r\nMAIL FROM:<x@y.test>\r\n", "newline"),
        (b"Received: x\r\n" * 100 + LETTER, "loop"),
        (b"Delivered-To: alice@example.test\r\n" + LETTER, "loop"),
    ],
)
def test_a_text_that_is_refused_is_found(
    smtp: Running, alice: User, raw: bytes, cause: str
) -> None:
    with smtp.ready() as client:
        give(client, ALICE, raw=raw)
    (found,) = refusals()
    assert (found["to"], found["stage"], found["cause"]) == ([ALICE], "data", cause)
    assert said(found)[-1] == f"< {found['reply']}"


def test_a_database_that_is_away_is_found_when_it_is_back(
    smtp: Running, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StorageUnavailable("nobody answers")

    monkeypatch.setattr(intake, "limits", away)
    with smtp.ready() as client:
        client.ask("MAIL FROM:<carol@x.test>")
        assert client.ask(f"RCPT TO:<{ALICE}>").starts("451 4.3.0")
        client.ask("RSET")
    (found,) = refusals()
    assert (found["cause"], found["to"]) == ("storage", [ALICE])


def test_lmtp_tells_of_each_recipient(lmtp: Running, alice: User, bob: User) -> None:
    raw = b"Delivered-To: alice@example.test\r\n" + LETTER
    with lmtp.ready("lmtp") as client:
        client.ask("MAIL FROM:<carol@x.test>")
        client.ask("RCPT TO:<nobody@example.test>")
        client.ask(f"RCPT TO:<{ALICE}>")
        client.ask("DATA")
        client.text(raw)
    unknown, loop = refusals(2, "lmtp")
    assert (unknown["to"], unknown["stage"]) == (["nobody@example.test"], "rcpt")
    assert (loop["to"], loop["stage"], loop["subject"]) == ([ALICE], "data", "Hello")


def test_a_user_who_is_refused_is_found(submission: Running, alice: User, bob: User) -> None:
    with submission.ready("submission") as client:
        assert client.ask(f"MAIL FROM:<{ALICE}>").code == 530
        client.starttls()
        client.ask("EHLO me.test")
        assert client.ask(f"MAIL FROM:<{ALICE}>").code == 530
        client.ask(f"AUTH PLAIN {plain(ALICE)}")
        assert client.ask(f"MAIL FROM:<{bob.address}>").code == 553
        client.ask(f"MAIL FROM:<{ALICE}>")
        client.ask("RCPT TO:<friend@outside.invalid>")
        client.ask("DATA")
        client.text(LETTER.replace(b"From: alice", b"From: bob"))
    tls, signin, rights, header = refusals(4, "submission")
    assert [one["cause"] for one in (tls, signin, rights)] == ["tls", "signin", "rights"]
    assert rights["account"] == header["account"] == ALICE
    assert (header["stage"], header["to"]) == ("data", ["friend@outside.invalid"])
    assert header["reply"].startswith("55")


def test_a_limit_that_is_reached_is_found_each_time(submission: Running, alice: User) -> None:
    set_limits(user=alice, changes={"recipients_per_message": 1})
    with submission.signed_in() as client:
        for _ in range(2):
            client.ask(f"MAIL FROM:<{ALICE}>")
            client.ask("RCPT TO:<a@outside.invalid>")
            assert client.ask("RCPT TO:<b@outside.invalid>").code == 452
            client.ask("RSET")
    assert [(one["cause"], one["to"]) for one in refusals(2, "submission")] == [
        ("limit", ["b@outside.invalid"])
    ] * 2


def test_hostile_words_are_harmless_in_events(smtp: Running, alice: User) -> None:
    evil = "a\x1b[2J\u202e"
    with smtp.ready() as client:
        client.send(b"EHLO " + b"a" * 40_000 + b"\r\n")
        assert client.reply().code == 500
        client.ask(f"EHLO {evil}")
        client.ask("EHLO <script>alert(1)</script>")
        client.ask(f"MAIL FROM:<{evil}@x.test>")
        client.ask("MAIL FROM:<carol@x.test>")
        client.ask(f"RCPT TO:<{evil}@example.test>")
        client.ask("RCPT TO:<nobody@example.test>")
    (found,) = refusals()
    whole = json.dumps(found, ensure_ascii=False)
    assert "\x1b" not in whole
    assert "\u202e" not in whole
    assert all(len(line.words) <= 160 for line in lines_of(found["dialogue"]))


def test_no_secret_is_in_any_event(submission: Running, alice: User) -> None:
    _, token = tokens.issue(user=alice, name="Backup", scopes=["smtp"])
    proofs: list[str] = []

    def scram(client: Client) -> None:
        side = ScramClient(ALICE, PASSWORD, "rOprNGfwEbeRWgbNEkqO")
        answer = client.ask(f"AUTH SCRAM-SHA-256 {base64(side.first().decode())}")
        proofs.append(base64(side.final(a2b_base64(answer.lines[0])).decode()))
        assert client.ask(proofs[-1]).code == 334
        assert client.ask("").code == 235

    def login(client: Client) -> None:
        client.ask("AUTH LOGIN")
        client.ask(base64(ALICE))
        assert client.ask(base64(PASSWORD)).code == 235

    def lost(client: Client) -> None:
        client.ask("AUTH NONSENSE")
        client.ask(base64(ALICE))
        client.ask(base64(PASSWORD))
        assert client.ask(f"AUTH PLAIN {plain(ALICE)}").code == 235

    ways: list[Callable[[Client], object]] = [
        lambda client: client.ask(f"AUTH PLAIN {plain(ALICE)}"),
        lambda client: client.ask(f"AUTH XOAUTH2 {xoauth2(ALICE, token)}"),
        lambda client: client.ask(f"AUTH OAUTHBEARER {oauthbearer(ALICE, token)}"),
        login,
        lost,
        scram,
    ]
    for sign_in in ways:
        with submission.ready("submissions") as client:
            sign_in(client)
            client.ask(f"MAIL FROM:<{ALICE}>")
            client.ask("RCPT TO:<not\x07valid@outside.invalid>")
            client.ask("RCPT TO:<nobody@example.test>")
            client.ask("RCPT TO:<friend@outside.invalid>")
            client.ask("DATA")
            assert client.text(LETTER).code == 250
    refusals(len(ways), "submission")
    assert len(events("submission.received")) == len(ways)
    told()
    whole = "".join(TraceEvent.objects.order_by("id").values_list("data", flat=True))
    secrets = [PASSWORD, base64(PASSWORD), plain(ALICE), base64(ALICE), token, *proofs]
    secrets += [xoauth2(ALICE, token), oauthbearer(ALICE, token), "v=", "rOprNGfwEbeRWgbNEkqO"]
    assert [secret for secret in secrets if secret in whole] == []
