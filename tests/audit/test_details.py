"""What a record may tell: little, on one line, never a secret."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.audit.details import MOST_OCTETS, SecretError, bounded, line


@pytest.mark.parametrize(
    "detail",
    [
        {"password": "correct horse"},
        {"new_password": "correct horse"},
        {"newPassword": "correct horse"},
        {"secret": b"octets"},
        {"token": "abc"},
        {"link_token": "abc"},
        {"digest": b"octets"},
        {"recovery_codes": ["abc", "def"]},
        {"cookie": {"value": "abc"}},
        {"server": {"password": "abc"}},
        {"salt": memoryview(b"abc")},
        {"passwords": ("abc",)},
    ],
)
def test_a_secret_is_refused(detail: dict[str, Any]) -> None:
    with pytest.raises(SecretError, match="no place"):
        bounded(detail)


def test_how_long_or_how_many_is_no_secret() -> None:
    told = {"password_length": 12, "must_change_password": True, "codes": 10, "tokens": None}
    assert bounded(told) == told
    assert bounded({"password": ""}) == {"password": ""}  # there is none


def test_times_sets_and_choices_become_words() -> None:
    at = datetime(2026, 11, 26, tzinfo=UTC)
    assert bounded({"at": at, "who": {"b", "a"}}) == {"at": at.isoformat(), "who": ["a", "b"]}


@pytest.mark.parametrize("value", [b"octets", object(), 1j])
def test_what_json_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        bounded({"value": value})


def test_numbers_that_json_or_the_database_do_not_have() -> None:
    told = bounded({"many": 10**40, "none": float("nan"), "never": float("inf")})
    assert told == {"many": "1" + "0" * 40, "none": "nan", "never": "inf"}
    json.dumps(told, allow_nan=False)


def test_it_is_bounded_in_every_direction() -> None:
    wide: dict[str, object] = {f"key{number}": "x" * 10_000 for number in range(1_000)}
    found = bounded(wide)
    assert len(json.dumps(found)) <= MOST_OCTETS
    assert found["…"] == 980
    assert len(json.dumps(bounded({"all": ["x" * 1_000] * 1_000}))) <= MOST_OCTETS
    assert len(json.dumps(bounded({"k" * 100_000: 1}))) <= 100
    deep: dict[str, object] = {}
    for _ in range(10_000):
        deep = {"in": deep}
    assert len(json.dumps(bounded(deep))) < 100
    assert (
        len(json.dumps(bounded({f"{n}" + "…" * 60: "…" * 400 for n in range(20)}))) <= MOST_OCTETS
    )


def test_names_drive_no_terminal_and_turn_no_line_round() -> None:
    evil = "a\x1b[2Jb\r\nc\u202ed\u2066e\x00f\udcff\u200b"
    assert line(evil, 100) == "a?[2Jb??c?d?e?f??"
    assert bounded({evil: evil}) == {line(evil, 100): line(evil, 100)}
    assert line("Zoë Bücher 日本", 100) == "Zoë Bücher 日本"


def test_a_long_line_says_that_it_is_cut() -> None:
    assert line("x" * 400, 400) == "x" * 400
    assert line("x" * 401, 400) == "x" * 399 + "…"
