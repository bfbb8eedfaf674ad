"""What clamd, spamd and rspamd answer, read with care."""

import json
from typing import Any

import pytest

from apps.scan.base import Action
from apps.scan.servers import clamd, rspamd, spamd
from apps.scan.servers.answers import AwayError, MissedError
from tests.support.cost import cost

REPORT = """\
Spam detection software, running on the system "mail", has
identified this incoming email as possible spam.

Content preview:  ---- ----- 9.9 NOT_A_RULE of ours
   -9.0 FORGED  a line that a sender wrote

Content analysis details:   (6.4 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
 2.7 MISSING_DATE           Missing Date: header
-0.1 NICE                   It is nice
 3.8 URIBL                  Contains a URL listed in a block list
                            [URIs: bad.example]
 0.0 NO_WORDS               No description available.

"""


def _reply(report: str = REPORT, spam: str = "Spam: True ; 6.4 / 5.0") -> bytes:
    return f"SPAMD/1.1 0 EX_OK\r\nContent-length: {len(report)}\r\n{spam}\r\n\r\n{report}".encode()


def test_it_reads_the_table_of_a_report_and_nothing_above_it() -> None:
    answer = spamd.read(_reply())
    assert (answer["points"], answer["needed"]) == (6.4, 5.0)
    assert answer["symbols"] == [
        ["URIBL", 3.8, "Contains a URL listed in a block list"],
        ["MISSING_DATE", 2.7, "Missing Date: header"],
        ["NICE", -0.1, "It is nice"],
        ["NO_WORDS", 0.0, ""],
    ]


def test_it_needs_no_report_to_know_the_points() -> None:
    answer = spamd.read(_reply("", "spam: False ; -1.5 / 5.0"))
    assert (answer["points"], answer["symbols"]) == (-1.5, [])


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK"),
        (b"SPAMD/1.0 76 Bad header line: (x)\r\n\r\n", "76 Bad header line"),
        (b"SPAMD/1.1 0 EX_OK\r\n\r\n", "no points"),
        (_reply(spam="Spam: True ; many / few"), "no points"),
        (b"\xff\xfe\r\n", "answered"),
    ],
)
def test_it_takes_nothing_else_for_a_result_of_spamd(reply: bytes, words: str) -> None:
    with pytest.raises(MissedError, match=words):
        spamd.read(reply)


def test_a_hostile_report_costs_little() -> None:
    evil = "---- -----" + (" " * 50_000 + "\n") * 2 + " 1.0 A" * 20_000 + "\n 1.0 " + "A" * 50_000
    assert cost(lambda: spamd.read(_reply(evil))) < 0.2


@pytest.mark.parametrize(
    ("virus", "rule", "points", "action"),
    [
        ("Win.Test.EICAR_HDB-1", "CLAMD_VIRUS", 0.0, Action.REFUSE),
        ("Test.Eicar.UNOFFICIAL", "CLAMD_VIRUS", 0.0, Action.REFUSE),
        ("Heuristics.Phishing.Email.SpoofedDomain", "CLAMD_SUSPICION", 4.0, Action.NONE),
        ("PUA.Win.Packer.Upx-1", "CLAMD_SUSPICION", 4.0, Action.NONE),
        ("Heuristics.Limits.Exceeded.MaxFileSize", "CLAMD_LIMITS", 1.0, Action.NONE),
        ("Heuristics.Encrypted.Zip", "CLAMD_UNWANTED", 0.0, Action.QUARANTINE),
    ],
)
def test_it_tells_a_virus_from_a_dislike(
    virus: str, rule: str, points: float, action: Action
) -> None:
    answer = clamd.read(f"stream: {virus} FOUND\0".encode())
    (found,) = clamd.findings(answer)
    assert (found.rule, found.points, found.action) == (rule, points, action)
    assert virus in found.words


def test_it_finds_nothing_in_what_is_clean() -> None:
    assert list(clamd.findings(clamd.read(b"stream: OK\0"))) == []


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"", "closed the connection"),
        (b"INSTREAM size limit exceeded. ERROR\0", "StreamMaxLength"),
        (b"stream: Can't allocate memory ERROR\0", "memory ERROR"),
        (b"OK\0", "OK"),
        (b"stream: OK but not quite\0", "not quite"),
        (b"x" * 4096, "xxx"),
    ],
)
def test_it_takes_nothing_else_for_a_result_of_clamd(reply: bytes, words: str) -> None:
    with pytest.raises(MissedError, match=words):
        clamd.read(reply)


def _json(**given: Any) -> bytes:
    return json.dumps({"action": "no action", "score": 0, "required_score": 15} | given).encode()


def test_it_reads_symbols_of_rspamd() -> None:
    symbols = {
        "MISSING_DATE": {"score": 1.0, "description": "Message date is missing"},
        "R_SPF_FAIL": {"score": 2.5, "options": ["-all", "more"]},
        "DBL_SPAM": {"score": 6, "description": "In the DBL", "options": ["bad.example"]},
        "INFO": {"score": 0.0, "description": "only for information"},
    }
    answer = rspamd.read(200, _json(score=9.5, symbols=symbols))
    assert answer["symbols"] == [
        ["DBL_SPAM", 6.0, "In the DBL (bad.example)"],
        ["R_SPF_FAIL", 2.5, "-all"],
        ["MISSING_DATE", 1.0, "Message date is missing"],
    ]
    assert "reject" not in answer


@pytest.mark.parametrize(
    ("given", "reject"),
    [
        ({"action": "reject", "messages": {"smtp_message": "a virus"}}, "a virus"),
        ({"action": "reject", "messages": []}, "its own reasons"),
        ({"action": "reject", "messages": {"smtp_message": ""}}, "its own reasons"),
    ],
)
def test_it_hears_that_rspamd_would_refuse(given: dict[str, Any], reject: str) -> None:
    assert rspamd.read(200, _json(**given))["reject"] == reject


@pytest.mark.parametrize(
    "given",
    [
        {"score": "NaN", "symbols": []},
        {"score": [1], "symbols": {"A": None, "B": {"score": "9"}, "C": {"score": True}}},
        {"required_score": {}, "symbols": {"A": {"score": 1, "options": [1], "description": 2}}},
    ],
)
def test_it_survives_strange_values_of_rspamd(given: dict[str, Any]) -> None:
    answer = rspamd.read(200, _json(**given))
    assert json.loads(json.dumps(answer)) == answer
    assert answer["points"] == 0.0


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"", MissedError),
        (200, b"[" * 100_000, MissedError),
        (200, b"[]", MissedError),
        (200, b'{"score": 99}', MissedError),
        (500, b'{"error": "no"}', MissedError),
        (403, b"Forbidden", MissedError),
        (301, b"", MissedError),
        (502, b"Bad Gateway", AwayError),
        (503, b"", AwayError),
    ],
)
def test_it_takes_nothing_else_for_a_result_of_rspamd(
    status: int, body: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        rspamd.read(status, body)
