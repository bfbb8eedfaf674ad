"""What cannot be looked at, or not whole: said in words, and never a place to hide."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.scan.attachments import check, signatures
from apps.scan.attachments.cage import Cage
from apps.scan.attachments.check import Attachments
from apps.scan.base import Action
from tests.scan.attachments import bombs, packers
from tests.scan.attachments.made import (
    EICAR,
    PROGRAM,
    hardest,
    judged,
    mail,
    raw_mail,
    zipped,
)
from tests.scan.cases import case

pytestmark = pytest.mark.django_db


def test_it_says_in_words_what_was_too_much() -> None:
    raw = mail("a.zip", bombs.chain(60))
    found = {one.rule: one for one in judged(raw)}
    words = "archives inside archives, deeper than 8"
    assert found["ATTACHMENT_UNSCANNABLE"].words == f"not all could be looked at: {words}"
    assert found["ATTACHMENT_FORBIDDEN"].action is Action.JUNK
    assert found["ATTACHMENT_FORBIDDEN"].words == (
        f"“the message” goes to Junk: the policy for condition unscannable ({words})"
    )


@pytest.mark.parametrize("bomb", ["archives without end", "a hole of a terabyte"])
def test_it_finds_the_virus_behind_a_bomb(bomb: str, tmp_path: Path) -> None:
    first = bombs.BOMBS[bomb](tmp_path)
    head, _, part = mail("eicar.com", EICAR).partition(b"\n\n")
    boundary = head.partition(b'boundary="')[2].partition(b'"')[0]
    raw = first.replace(first.partition(b'boundary="')[2].partition(b'"')[0], boundary)
    raw = raw.rpartition(b"--" + boundary)[0] + part
    assert hardest(judged(raw)) is Action.REFUSE


class Stumbling(Cage):
    """A cage that fails over what it is given, as it never should."""

    def look(self, raw: bytes) -> dict[str, Any]:
        raise ValueError("never seen before")


def test_it_lets_nothing_by_that_it_stumbles_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check.log, "exception", lambda *_, **__: None)
    stumbling = Attachments(Stumbling())
    one = case(raw=mail("a.zip", zipped({"a.exe": PROGRAM})))
    (given,) = stumbling.gather([one])
    found = {finding.rule: finding for finding in stumbling.judge(one, given)}
    assert found["ATTACHMENT_UNSCANNABLE"].words.endswith("what reads it failed over it")
    assert found["ATTACHMENT_FORBIDDEN"].action is Action.JUNK


class Panic(BaseException):
    """As Rust panics: no Exception."""


def test_it_outlives_a_panic_of_what_looks_for_viruses(monkeypatch: pytest.MonkeyPatch) -> None:
    def panicking() -> Any:
        raise Panic

    monkeypatch.setattr(check.log, "exception", lambda *_, **__: None)
    monkeypatch.setattr(signatures, "_scanner", panicking)
    found = {one.rule: one for one in judged(raw_mail(b"Only a text, looked at in the worker."))}
    assert found["ATTACHMENT_UNSCANNABLE"].words.endswith("what reads it failed over it")
    assert found["ATTACHMENT_FORBIDDEN"].action is Action.JUNK


@pytest.mark.parametrize(
    "made",
    [
        packers.rar_5({"a.txt": b"x", "b.txt": b"x"}, locked=("b.txt",)),
        packers.rar_4({"a.txt": b"x"}, flags=0x0004),
        packers.locked_rar_5(),
    ],
)
def test_it_is_encrypted_and_no_more_if_a_password_locks_it(made: bytes) -> None:
    found = {one.rule: one for one in judged(mail("a.rar", made))}
    assert "a password is needed" in found["ATTACHMENT_ENCRYPTED"].words
    assert "ATTACHMENT_UNSCANNABLE" not in found
    assert hardest([*found.values()]) is Action.NONE


@pytest.mark.parametrize("pack", [packers.rar_4, packers.rar_5])
def test_it_goes_to_junk_if_a_part_is_elsewhere_or_broken(pack: Callable[..., bytes]) -> None:
    whole = pack({"a.txt": b"hello " * 99})
    in_parts = (
        packers.rar_4({"a.txt": b"x"}, flags=2)
        if pack is packers.rar_4
        else packers.rar_5({"a.txt": b"x"}, split=0x10)
    )
    for made in (in_parts, whole[:-200], whole[:-99] + bytes(60) + whole[-39:]):
        found = judged(mail("a.part1.rar", made))
        assert hardest(found) is Action.JUNK
        assert "ATTACHMENT_UNSCANNABLE" in {one.rule for one in found}
