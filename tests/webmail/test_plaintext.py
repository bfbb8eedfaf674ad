"""Plain text: escaped, linked, quoted parts apart."""

import time

import pytest

from apps.webmail.plaintext import MOST_BLOCKS, blocks, linkify


def test_it_escapes_everything() -> None:
    assert str(linkify("<b>&\"'")) == "&lt;b&gt;&amp;&quot;&#x27;"


def test_it_links_web_addresses_without_the_full_stop() -> None:
    assert str(linkify("See https://a.invalid/x?y=1&z=2.")) == (
        'See <a href="https://a.invalid/x?y=1&amp;z=2" rel="noopener noreferrer"'
        ' target="_blank">https://a.invalid/x?y=1&amp;z=2</a>.'
    )


@pytest.mark.parametrize(
    "bait",
    [
        'http://a"onmouseover=alert(1)',
        "http://a'onmouseover=alert(1)",
        "http://a<script>alert(1)</script>",
        "javascript:alert(1)",
        "HTTP://A`onclick=x",
    ],
)
def test_it_cannot_be_led_out_of_the_link(bait: str) -> None:
    result = str(linkify(bait))
    assert "<script" not in result
    assert 'href="javascript' not in result
    assert '"onmouseover' not in result


def test_it_folds_quotes() -> None:
    found = blocks("Yes.\r\n\r\n> Shall we?\r\n> On Friday\r\n\r\nBest,\r\nBob\r\n")
    assert [(str(block.html), block.is_quote) for block in found] == [
        ("Yes.", False),
        ("&gt; Shall we?\n&gt; On Friday", True),
        ("Best,\nBob", False),
    ]


@pytest.mark.parametrize("text", ["http://" * 70_000, ">\n" * 200_000, "http://a" * 60_000])
def test_it_is_linear(text: str) -> None:
    start = time.process_time()
    blocks(text)
    assert time.process_time() - start < 3


def test_it_makes_no_page_of_a_hundred_thousand_quotes() -> None:
    found = blocks("> a\nb\n" * 100_000)
    assert len(found) <= MOST_BLOCKS + 2
    assert not found[-1].is_quote
    assert sum(str(block.html).count("b") for block in found) > 70_000
