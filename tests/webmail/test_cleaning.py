"""HTML of letters: hostile on its way in, and telling nothing of ours on its way out."""

import pytest

from apps.webmail.writing import cleaning
from tests.support.cost import cost

OURS = (
    "/mail/compose/018f0000-0000-0000-0000-000000000001/files/"
    "018f0000-0000-0000-0000-000000000002/content/"
)
QUOTED = "/mail/inbox/7/inline/2/"


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java\tscript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        "<math><mi xlink:href='javascript:alert(1)'>",
        "<iframe src=//evil.test></iframe>",
        "<form action=//evil.test><input name=a><button>x</button></form>",
        "<meta http-equiv=refresh content='0;url=//evil.test'>",
        "<base href=//evil.test>",
        "<style>@import '//evil.test/x.css'</style>",
        '<p style="background:url(//evil.test/x)">x</p>',
        '<p style="behavior:url(#x);position:fixed;top:0">x</p>',
        '<div class="toolbar" id="send">x</div>',
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<!--<img src=--><img src=x onerror=alert(1)//>",
        '<img srcset="//evil.test/x 2x" src="//evil.test/y">',
        '<video poster="//evil.test/x"><source src="//evil.test/y"></video>',
        '<table background="//evil.test/x"><tr><td>x</table>',
        "<object data=//evil.test></object><embed src=//evil.test>",
    ],
)
def test_nothing_hostile_stays(html: str) -> None:
    for made in (
        cleaning.edited(html),
        cleaning.outgoing(html, {}).html,
        cleaning.shown(html, {"a": QUOTED}),
    ):
        low = made.lower()
        for evil in ("script", "onerror", "onload", "evil.test", "url(", "position", "class="):
            assert evil not in low, made
        for tag in ("<form", "<input", "<svg", "<iframe", "<style", "<meta", "<base", "<img"):
            assert tag not in low, made


def test_what_people_write_stays() -> None:
    html = (
        "<p>a <b>b</b> <i>i</i> <u>u</u> <s>s</s></p><ul><li>x</li></ul>"
        '<a href="https://x.test">l</a><p style="color: red">r</p>'
        '<blockquote data-quote="">q</blockquote><div data-sig="">s</div>'
    )
    assert cleaning.edited(html) == html


def test_pictures_are_ours_alone() -> None:
    html = f'<img src="{OURS}" alt="a"><img src="{QUOTED}"><img src="cid:x" alt="gone &quot;">'
    assert cleaning.edited(html) == f'<img src="{OURS}" alt="a"><img src="{QUOTED}">gone &quot;'
    for evil in (f"https://evil.test{OURS}", f"{OURS}../../x", "/logout/", f"/{OURS}", "/mail/x/"):
        assert "<img" not in cleaning.edited(f'<img src="{evil}">')


def test_others_get_content_ids_and_no_address_of_ours() -> None:
    made = cleaning.outgoing(
        f'<img src="{OURS}"><img src="{QUOTED}" alt="q"><blockquote data-quote="">x</blockquote>'
        '<div data-sig="">s</div>',
        {OURS: "a@inline.invalid"},
    )
    assert made.html == (
        '<img src="cid:a@inline.invalid">q<blockquote type="cite">x</blockquote><div>s</div>'
    )
    assert made.cids == {"a@inline.invalid"}


def test_quoted_pictures_are_shown_at_home() -> None:
    html = '<img src="cid:pic@x"><img src="https://evil.test/t.gif" width="1">'
    assert cleaning.shown(html, {"pic@x": QUOTED}) == f'<img src="{QUOTED}">'
    assert cleaning.inline_parts(cleaning.shown(html, {"pic@x": QUOTED}), "inbox", 7) == {2}
    assert cleaning.inline_parts(f'<img src="{QUOTED}">', "sent", 7) == set()


def test_a_quote_carries_no_marks_of_the_editor() -> None:
    assert cleaning.shown('<div data-sig="">x</div>', {}) == "<div>x</div>"


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 60_000,
        "<b><i>" * 60_000,
        '<p style="' + "color:red;" * 20_000 + '">x</p>',
        '<p style="color:red">x</p>' * 20_000,
        "".join(f'<p style="width:{n}px">x</p>' for n in range(20_000)),
        "<p " + " ".join(f"a{n}" for n in range(60_000)) + ">",
        "&nbsp;" * 100_000,
        '<img src="' * 30_000,
    ],
)
def test_no_html_takes_long(html: str) -> None:
    assert cost(lambda: cleaning.edited(html), enough=10) < 10


def test_what_is_empty() -> None:
    assert cleaning.is_empty("<p><br></p>&nbsp; \n")
    assert not cleaning.is_empty(f'<p><img src="{OURS}"></p>')
    assert not cleaning.is_empty("<p>x</p>")
