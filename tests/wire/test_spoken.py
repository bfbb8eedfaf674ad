"""What was spoken, as one text: what is written is read again, and nothing breaks the reader."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.wire.spoken import LINES_MOST, Spoken, lines_of, text_of

WORDS = st.text(st.characters(exclude_characters="\n\t"), max_size=30)
LINES = st.builds(Spoken, st.integers(0, 10**12), st.sampled_from("><="), WORDS, st.none() | WORDS)


def test_it_is_readable_as_it_is() -> None:
    said = [
        Spoken(0, "<", "220 mail.example.test ESMTP ready"),
        Spoken(12, ">", "RCPT TO:<a@x.test>", "a@x.test"),
        Spoken(13, "=", "TLS began"),
    ]
    assert text_of(said) == (
        "0 < 220 mail.example.test ESMTP ready\n12 > RCPT TO:<a@x.test>\ta@x.test\n13 = TLS began"
    )
    assert said[1].shown == "> RCPT TO:<a@x.test>"


@given(st.lists(LINES, max_size=20))
def test_what_is_written_is_read(said: list[Spoken]) -> None:
    assert lines_of(text_of(said)) == said


@pytest.mark.parametrize(
    "odd",
    [None, 5, [], {}, "", "\n\n", "x", "1 >", "1 ? y", "-1 > y", "1e5 > y", "9" * 99 + " > y"],
)
def test_what_is_none_has_no_lines(odd: Any) -> None:
    assert lines_of(odd) == []


def test_only_so_many_are_read() -> None:
    assert len(lines_of("1 > x\n" * 100_000)) == LINES_MOST
    assert lines_of("1 > x\nbroken\n2 < y") == [Spoken(1, ">", "x"), Spoken(2, "<", "y")]
