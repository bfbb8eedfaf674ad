"""The base subject, by RFC 5256 section 2.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.imap.proto.subject import base_subject
from tests.support.cost import cost


@pytest.mark.parametrize(
    ("subject", "base", "is_reply"),
    [
        ("", "", False),
        ("hello", "hello", False),
        ("  hello \t\r\n world  ", "hello world", False),
        ("Re: hello", "hello", True),
        ("RE : hello", "hello", True),
        ("re:hello", "hello", True),
        ("Fw: hello", "hello", True),
        ("FWD: hello", "hello", True),
        ("Re: Fwd: Re: hello", "hello", True),
        ("Re[2]: hello", "hello", True),
        ("re [list] : hello", "hello", True),
        ("hello (fwd)", "hello", True),
        ("hello(FWD) (fwd) ", "hello", True),
        ("[list] hello", "hello", False),
        ("[list] [more] hello", "hello", False),
        ("[list] Re: [more] hello", "hello", True),
        ("[list]", "[list]", False),
        ("[a][b]", "[b]", False),
        ("[a] [b] (fwd)", "[b]", True),
        ("Re: [list]", "[list]", True),
        ("[fwd: hello]", "hello", True),
        ("[Fwd: Re: hello (fwd)]", "hello", True),
        ("[fwd: [fwd: hello] ]", "hello", True),
        ("[fwd: a] b", "b", False),
        ("Re:", "", True),
        ("(fwd)", "", True),
        ("[fwd:]", "", True),
        ("real: x", "real: x", False),
        ("[a[b]] c", "[a[b]] c", False),
        ("[unclosed hello", "[unclosed hello", False),
        ("Fwdd: hello", "Fwdd: hello", False),
        ("Antwort: hello", "Antwort: hello", False),
    ],
)
def test_it_takes_off_what_replies_and_forwards_add(
    subject: str, base: str, is_reply: bool
) -> None:
    assert base_subject(subject) == (base, is_reply)


PIECES = ["Re:", "re", "fwd", ":", "[", "]", "[fwd:", "(fwd)", " ", "a", "[x]", "b c"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_it_leaves_nothing_to_take_off(subject: str) -> None:
    base = base_subject(subject)
    assert base_subject(base.text) == (base.text, False)
    assert base.text == base.text.strip()


@pytest.mark.parametrize(
    "subject",
    ["[" * 1000, "[]" * 500, "Re:" * 333, "[fwd:" * 200 + "]" * 200, "(fwd)" * 200, "[x] " * 250],
)
def test_it_takes_no_time(subject: str) -> None:
    assert cost(lambda: [base_subject(subject) for _ in range(20)]) < 1
