"""Plain text: escaped, linked, quoted parts apart."""

import pytest

from apps.webmail.flowed import joined
from apps.webmail.plaintext import MOST_BLOCKS, Kind, blocks, linkify
from tests.support.cost import cost


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
    assert cost(lambda: blocks(text), enough=3) < 3


def test_it_makes_no_page_of_a_hundred_thousand_quotes() -> None:
    found = blocks("> a\nb\n" * 100_000)
    assert len(found) <= MOST_BLOCKS + 2
    assert not found[-1].is_quote
    assert sum(str(block.html).count("b") for block in found) > 70_000


def test_it_folds_the_line_that_announces_a_quote_with_it() -> None:
    found = blocks("Yes.\n\nOn Monday, 3 March 2026,\nAnn <ann@a.invalid> wrote:\n> Shall we?\n")
    assert [(block.kind, block.is_open) for block in found] == [
        (Kind.TEXT, True),
        (Kind.QUOTE, False),
    ]
    assert "wrote:" in str(found[1].html)


def test_it_folds_a_signature_and_not_what_merely_looks_like_one() -> None:
    found = blocks("Yes.\n-- \nBob\nBuilders Ltd\n")
    assert [block.kind for block in found] == [Kind.TEXT, Kind.SIGNATURE]
    assert [block.kind for block in blocks("Yes.\n--\nBob\n")] == [Kind.TEXT]


def test_it_shows_what_there_is_if_all_of_it_is_quoted() -> None:
    assert [block.is_open for block in blocks("> Shall we?\n> Yes.\n")] == [True]


def test_it_joins_flowed_lines() -> None:
    text = "This is one \nlong line.\n> Quoted \n> text\nNot quoted.\n-- \nBob\n"
    found = blocks(text, is_flowed=True)
    assert [str(block.html) for block in found] == [
        "This is one long line.",
        "&gt; Quoted text",
        "Not quoted.",
        "-- \nBob",
    ]


def test_it_joins_words_that_delsp_cut() -> None:
    assert str(blocks("won \nder\n From here\n", is_flowed=True, joins_words=True)[0].html) == (
        "wonder\nFrom here"
    )


def test_a_quote_of_another_depth_is_not_joined() -> None:
    found = list(joined("> a \n>> b\n", joins_words=False))
    assert found == ["> a ", ">> b", ""]


def test_tables_and_patches_keep_their_columns() -> None:
    table = "name     count    price\nscrew    100      3.20\nnail     20       1.10\n"
    assert blocks(table)[0].is_wide
    assert not blocks("Hello Ann,\n\nshall we meet?\n\nBob")[0].is_wide


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("www.a.invalid", "https://www.a.invalid"),
        ("(https://a.invalid/x_(y))", "https://a.invalid/x_(y)"),
        ("\u00bbhttps://a.invalid/\u00ab", "https://a.invalid/"),
        ("https://a.invalid/\u202egnp.exe", "https://a.invalid/"),
        ("https://a.invalid:8443/?a=1#b", "https://a.invalid:8443/?a=1#b"),
    ],
)
def test_it_knows_where_an_address_ends(text: str, target: str) -> None:
    assert f'href="{target}"' in str(linkify(text))


@pytest.mark.parametrize(
    "text",
    [
        "https://bank.invalid@evil.invalid/",
        "https://bank.invalid%40x@evil.invalid",
        "https://",
        "https:///x",
        "https://b\u0430nk.invalid/",
        "xwww.a.invalid",
        "a@www.a.invalid",
        "file:///etc/passwd",
        "data:text/html,x",
    ],
)
def test_it_links_nothing_whose_host_people_cannot_see(text: str) -> None:
    assert "<a" not in str(linkify(text))


@pytest.mark.parametrize(
    "text", ["> \n" * 150_000, "a \n" * 150_000, ">" * 400_000, "-- \n" * 90_000]
)
def test_flowed_text_is_linear(text: str) -> None:
    assert cost(lambda: blocks(text, is_flowed=True), enough=3) < 3
