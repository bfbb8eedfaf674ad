"""A signature goes into everybody's mail program: nothing is left in it but words, links and how
they look."""

import pytest

from apps.webmail import signatures
from apps.wire.errors import LimitReached


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<div><b>Ann</b> Lee<br>Leeds</div>", "<div><b>Ann</b> Lee<br>Leeds</div>"),
        ('<p onclick="x()" style="color:red" class="a" id="b">Ann</p>', "<p>Ann</p>"),
        ("<script>alert(1)</script><p>Ann</p>", "<p>Ann</p>"),
        ("<style>p{}</style><p>Ann</p>", "<p>Ann</p>"),
        ('<p>Ann<img src="https://t.example/x.gif"></p>', "<p>Ann</p>"),
        ('<a href="javascript:alert(1)">Ann</a>', "<a>Ann</a>"),
        ('<a href="data:text/html,x">Ann</a>', "<a>Ann</a>"),
        (
            '<a href="https://a.example/" target="_top">Ann</a>',
            '<a href="https://a.example/">Ann</a>',
        ),
        ("<p>A\x00n\r\nn\u202e\u200b</p>", "<p>An\nn</p>"),
        ("<p><br></p><div> </div>", ""),
        ('<svg><a xlink:href="javascript:x">y</a></svg><p>Ann', "<p>Ann</p>"),
    ],
)
def test_only_the_harmless_is_kept(html: str, kept: str) -> None:
    assert signatures.clean(html) == kept
    assert signatures.clean(kept) == kept


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div><b>Ann</b> Lee<br>Leeds</div><div>0113</div>", "Ann Lee\nLeeds\n0113"),
        ("<p>Ann</p><p><br></p><p>Lee</p>", "Ann\n\nLee"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ('<a href="https://a.example/">Site</a>', "Site <https://a.example/>"),
        ('<a href="mailto:ann@a.example">ann@a.example</a>', "ann@a.example"),
        ("<p>1 &lt; 2 &amp; 3</p>", "1 < 2 & 3"),
    ],
)
def test_the_text_says_the_same(html: str, text: str) -> None:
    assert signatures.text_of(html) == text


def test_a_text_becomes_html_that_says_the_same() -> None:
    html = signatures.of_text("\r\nAnn <b>\r\nLeeds & more\r\n\r\n")

    assert html == "<p>Ann &lt;b&gt;<br>Leeds &amp; more</p>"
    assert signatures.text_of(html) == "Ann <b>\nLeeds & more"
    assert signatures.of_text(" \n ") == ""


@pytest.mark.parametrize(
    "html", ["x" * 20_001, "<div>" * 41 + "x", "<br>" * 2_001, "<" * 20_001], ids=len
)
def test_it_is_bounded(html: str) -> None:
    with pytest.raises(LimitReached):
        signatures.clean(html)
    with pytest.raises(LimitReached):
        signatures.of_text("x" * 4_001)
