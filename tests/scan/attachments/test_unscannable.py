"""What cannot be looked at, or not whole: said in words, and never a place to hide."""

from pathlib import Path

import pytest

from apps.scan.base import Action
from tests.scan.attachments import bombs
from tests.scan.attachments.made import EICAR, hardest, judged, mail

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
