"""Text of letters: of HTML, and in lines that readers may join again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.composing.plain import DEEPEST, WIDTH, flowed, worded
from apps.webmail.flowed import joined


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<div>One</div><div><br></div><div>Two</div>", "One\n\nTwo"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("  <p> spaced \n out </p> ", "spaced out"),
        ("<b>bo</b>ld", "bold"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<ol><li>a</li><li>b<ul><li>c</li></ul></li></ol>", "1. a\n2. b\n  - c"),
        ("<p>Hi</p><blockquote>q<blockquote>r</blockquote></blockquote>", "Hi\n\n> q\n>> r"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c"),
        ('<a href="https://x.test/a">here</a>', "here <https://x.test/a>"),
        ('<a href="https://x.test/">x.test</a>', "x.test"),
        ('<a href="mailto:a@x.test">a@x.test</a>', "a@x.test"),
        ('<img src="/x" alt="A cat">', "[A cat]"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a \t b\nc"),
        ("a &lt;b&gt; &amp; c&nbsp;d", "a <b> & c\xa0d"),
        ("<p>x</p><div data-sig>Ann<br>Tel</div>", "x\n\n-- \nAnn\nTel"),
        ("<script>x</script><style>y</style>z", "z"),
        ("", ""),
    ],
)
def test_html_becomes_what_one_would_have_typed(html: str, text: str) -> None:
    assert worded(html) == text


@pytest.mark.parametrize(
    "html",
    ["<div>" * 20_000, "<ul>" * 20_000 + "x", "<blockquote>" * 20_000 + "x", "<a>" * 20_000,
     "</div>" * 50_000, "<" * 100_000, "&" * 100_000, "<p>x" * 50_000],
)  # fmt: skip
def test_no_html_takes_long(html: str) -> None:
    worded(html)


def lines(text: str) -> list[str]:
    return list(joined(text, joins_words=False))


def test_long_lines_are_joined_again_by_readers() -> None:
    text = "word " * 100 + "end\n\n> " + "quoted " * 50 + "end\n>> twice\n-- \nAnn"
    sent = flowed(text)
    assert max(map(len, sent.split("\n"))) <= WIDTH
    assert lines(sent) == text.split("\n")


def test_what_readers_would_take_for_something_else_is_stuffed() -> None:
    assert flowed("From me\n indented\n>quoted") == " From me\n  indented\n> quoted"
    assert lines(flowed("From me\n indented")) == ["From me", " indented"]


def test_no_typed_space_joins_a_line_to_the_next() -> None:
    assert flowed("a   \nb") == "a\nb"
    assert flowed("-- \nAnn") == "-- \nAnn"


def test_a_long_word_stays_whole() -> None:
    address = "https://x.test/" + "a" * 300
    assert flowed(address) == address
    assert lines(flowed(f"see {address} there")) == [f"see {address} there"]


def test_quotes_have_a_bounded_depth() -> None:
    assert flowed(">" * 500 + " x") == ">" * DEEPEST + " x"


@given(st.text(alphabet=st.sampled_from("ab >-\n F"), max_size=400))
def test_any_text_comes_back_but_for_spaces(text: str) -> None:
    def bare(text: str) -> str:
        return "".join(text.split())

    assert bare("".join(lines(flowed(text)))) == bare(text)
