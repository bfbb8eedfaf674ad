"""What a browser is, in words of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.ui.clients import browser_words

SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (SAFARI, "Safari on iPhone"),
        (CHROME, "Chrome on Windows"),
        (f"{CHROME} Edg/140.0.0.0", "Edge on Windows"),
        (f"{CHROME} OPR/120", "Opera on Windows"),
        ("curl/8.5", "curl"),
        ("something (Linux)", "a browser on Linux"),
        ("", ""),
        ("<script>alert(1)</script>", ""),
        ("x" * 100_000 + "Firefox/1", ""),
    ],
)
def test_it_knows_the_usual_ones(agent: str, words: str) -> None:
    assert browser_words(agent) == words


@given(st.text())
def test_it_says_nothing_of_a_strangers(agent: str) -> None:
    words = browser_words(f"Firefox/1 Linux {agent}")
    assert words.replace(" ", "").isalpha()
