"""Reasons and proofs as administrators read them."""

import pytest

from apps.scan import reasons
from apps.scan.base import Action, Finding
from apps.scan.history import rules as history


def test_what_asks_for_more_than_points_stands_on_top() -> None:
    told = reasons.reasons(
        [
            Finding("A", 2.0, "it shouts"),
            Finding("B", -0.5, "it is signed"),
            Finding("C", 0.0, "x.exe is a program", action=Action.QUARANTINE),
            Finding("D", 0.0, "says nothing"),
        ]
    )
    assert [(one.rule, one.words, one.sign, one.total, one.demands) for one in told] == [
        ("C", "x.exe is a program", "+0.0", 0.0, True),
        ("A", "It shouts", "+2.0", 2.0, False),
        ("B", "It is signed", "\u22120.5", 1.5, False),
    ]


@pytest.mark.parametrize("rule", [history.KNOWN_CORRESPONDENT, history.KNOWN_UNPROVEN])
def test_address_books_are_nobody_elses_matter(rule: object) -> None:
    found = history.KNOWN_CORRESPONDENT.found("it is from x, who is in this reader's contacts")
    (told,) = reasons.reasons([Finding(rule.name, -3.0, found.words)])  # type: ignore[attr-defined]
    assert "this reader's contacts" not in told.words


def test_words_of_strangers_turn_no_line_round() -> None:
    (told,) = reasons.reasons([Finding("A", 1, "run\u202egpj.exe\x1b[31m\0 <b>")])
    assert told.words == "run?gpj.exe?[31m? <b>"


def test_proofs_are_ours_alone() -> None:
    prefix = (
        b"Authentication-Results: us; spf=softfail smtp.mailfrom=a@b.test; dkim=pass"
        b" header.d=b.test; dmarc=fail header.from=b.test; x-odd=pass; iprev=pass\r\n"
    )
    told = [(one.method, one.result, one.named, one.look) for one in reasons.proofs(prefix)]
    assert told == [
        ("SPF", "softfail", "b.test", "warn"),
        ("DKIM", "pass", "b.test", "ok"),
        ("DMARC", "fail", "b.test", "bad"),
    ]
    assert reasons.proofs(b"") == ()
    assert reasons.proofs(b"Authentication-Results: \xff(((\r\n") == ()
