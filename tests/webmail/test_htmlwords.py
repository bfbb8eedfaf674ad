"""HTML as the lines that its sender wrote."""

import pytest

from apps.webmail.codes import find
from apps.webmail.htmlwords import own_lines
from tests.support.cost import cost


def test_blocks_are_lines_and_all_other_space_is_one_blank() -> None:
    source = (
        "<html><head><title>No</title><style>p { color: #123456 }</style></head><body>"
        "<p>Your\n   <b>code</b>&nbsp;is:</p>\n\n<table><tr><td> 482 913 </td></tr></table>"
        "<script>code 1111</script><div>Bye &amp; thanks<br>The shop</div></body></html>"
    )
    assert own_lines(source) == "Your code is:\n482 913\nBye & thanks\nThe shop"


@pytest.mark.parametrize(
    "quote",
    ["<blockquote type=cite>", '<div class="x gmail_quote">', "<div id='divRplyFwdMsg' dir=ltr>"],
)
def test_what_is_quoted_is_cut_off(quote: str) -> None:
    assert own_lines(f"<p>It worked.</p>{quote}Your code is 123456</div>") == "It worked."


@pytest.mark.parametrize(
    ("subject", "source", "code"),
    [
        ("Welcome back", "<p>Use this verification code:</p><h1>847261</h1><p>Bye</p>", "847261"),
        ("Sign-in code", "<div>Hello,</div><div> <span>55 21 90</span></div>", ""),
        ("Sign-in code", "<td>Hello</td><td><b>552190</b></td><td>Ignore it else.</td>", "552190"),
        ("Hello", "<a href='https://x.invalid/verify/123456'>Verify your address</a>", ""),
        (
            "Your code",
            "<p>It is on its way</p><!-- code 123456 --><style>.code{top:1234px}</style>",
            "",
        ),
    ],
)
def test_a_code_is_found_in_it(subject: str, source: str, code: str) -> None:
    assert find(subject, own_lines(source)) == code


@pytest.mark.parametrize(
    "bait", ["<", "<p ", "<p>", "<!--", "<style>", "&#", "<blockquote", "<a gmail_", "\x01", " <br"]
)
def test_it_is_quick_whatever_the_source(bait: str) -> None:
    source = bait * 200_000
    assert cost(lambda: find("code", own_lines(source))) < 1
