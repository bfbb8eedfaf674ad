"""Parameters of content fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.parameters import PARAMETERS_MAX, parse_parameters, split, text, without_comments


@pytest.mark.parametrize(
    ("value", "main", "parameters"),
    [
        (b"text/plain", "text/plain", {}),
        (b"Text/PLAIN; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        (b'text/plain; charset="us-ascii"', "text/plain", {"charset": "us-ascii"}),
        (b"text/plain; charset=us-ascii (Plain text)", "text/plain", {"charset": "us-ascii"}),
        (b'a/b; x="a\\"b\\\\;c"; y=z', "a/b", {"x": 'a"b\\;c', "y": "z"}),
        (b"a/b; name=my file.pdf", "a/b", {"name": "my file.pdf"}),
        (b"a/b;;; ;x=1;", "a/b", {"x": "1"}),
        (b'a/b; z=0; x="unclosed; y=1', "a/b", {"z": "0"}),
        (b'a/b; z=0; x="unclosed\\', "a/b", {"z": "0"}),
        (b"a/b; =nameless", "a/b", {"": "nameless"}),
        (b"a/b; x = 1 ; y\t=\t2", "a/b", {"x": "1", "y": "2"}),
        (b'a/b; x="1" junk; y=2', "a/b", {"x": "1", "y": "2"}),
        (b"attachment; filename", "attachment", {}),
        (b"attachment; filename=", "attachment", {"filename": ""}),
        (b"", "", {}),
        (b'a/b; name="=?utf-8?q?J=C3=B6rg?="', "a/b", {"name": "Jörg"}),
        ('a/b; name="Jörg"'.encode(), "a/b", {"name": "Jörg"}),
        # RFC 2231 sections 3, 4, 4.1
        (
            b'message/external-body; URL*0="ftp://";\r\n URL*1="cs.utk.edu/pub/moore/x.tar"',
            "message/external-body",
            {"url": "ftp://cs.utk.edu/pub/moore/x.tar"},
        ),
        (
            b"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
            "application/x-stuff",
            {"title": "This is ***fun***"},
        ),
        (
            b"application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;"
            b' title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn\'t it!"',
            "application/x-stuff",
            {"title": "This is even more ***fun*** isn't it!"},
        ),
        # and what senders do
        (b"x; f*1=b; f*0=a", "x", {"f": "ab"}),
        (b"x; f=plain; f*=utf-8''b%C3%A9", "x", {"f": "bé"}),
        (b"x; f*=utf-8''b%C3%A9; f=plain", "x", {"f": "bé"}),
        (b"x; f*=b%41", "x", {"f": "bA"}),
        (b"x; f*=iso-8859-1''%E9%0A%00", "x", {"f": "é"}),
        (b"x; f*0*=utf-8''%E2%82; f*1*=%AC", "x", {"f": "€"}),
        (b"x; *=1; f**=2", "x", {"*": "1", "f*": "2"}),
    ],
)
def test_it_reads_parameters(value: bytes, main: str, parameters: dict[str, str]) -> None:
    assert parse_parameters(value) == (main, parameters)


def test_it_keeps_octets_as_bodystructure_shows_them() -> None:
    assert split(b"attachment; FileName*0*=utf-8''a%20; FileName*1=\"b c\"") == (
        b"attachment",
        ((b"FileName*", b"utf-8''a%20b%20c"),),
    )
    assert split(b"x; A*0=1; A*1=2; B=3") == (b"x", ((b"A", b"12"), (b"B", b"3")))
    assert split(b"x; a*=u''1; B=3; a=2") == (b"x", ((b"a*", b"u''1"), (b"B", b"3"), (b"a", b"2")))


@pytest.mark.parametrize("names", ["f*0 f*2", "f*1 f*2", "f*0 f*0 f*1", "F*0 f*0"])
def test_it_leaves_continuations_that_are_not_whole(names: str) -> None:
    written = tuple((name.encode(), b"%d" % n) for n, name in enumerate(names.split()))
    value = b"x" + b"".join(b"; %b=%b" % pair for pair in written)
    assert split(value) == (b"x", written)
    assert text(written, b"f") == "".join(value.decode() for _, value in written)


def test_it_prefers_the_extended_form() -> None:
    assert text(((b"f", b"plain"), (b"F*", b"utf-8''%C3%A9")), b"f") == "é"
    assert text((), b"f") == ""


def test_it_bounds_parameters_and_continuations() -> None:
    assert len(split(b"x" + b"; a=1" * 100_000)[1]) == PARAMETERS_MAX
    flood = b"x" + b"".join(b";f*%d=ab" % n for n in range(50_000))
    ((name, value),) = split(flood)[1]
    assert (name, len(value)) == (b"f", 2 * PARAMETERS_MAX)


def test_it_cuts_comments_out() -> None:
    assert without_comments(b'a (b (c) \\) d) "(e)" f(') == b'a   "(e)" f'


@given(
    st.binary(max_size=80)
    | st.lists(
        st.sampled_from(
            [
                b"a",
                b";",
                b"=",
                b'"',
                b"\\",
                b"*",
                b"*0",
                b"*1*",
                b"'",
                b"%41",
                b"%",
                b"(",
                b")",
                b" ",
                b"\0",
                b"\xe9",
            ]
        ),
        max_size=30,
    ).map(b"".join)
)
def test_it_reads_anything(value: bytes) -> None:
    main, parameters = parse_parameters(value)
    assert not any(char in "\r\n\0" for shown in (main, *parameters.values()) for char in shown)
