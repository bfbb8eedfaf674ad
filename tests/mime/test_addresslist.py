"""Address lists of header fields: RFC 5322 appendix A, and what senders write instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime import addresslist
from apps.mime.addresslist import (
    LIST_MAX,
    MAILBOXES_MAX,
    HeaderMailbox,
    mailboxes,
    parse_address_list,
)

END = HeaderMailbox(None, None, None, None)


def box(
    local: bytes | None, host: bytes, name: bytes | None = None, route: bytes | None = None
) -> HeaderMailbox:
    return HeaderMailbox(name, route, local, host)


def group(name: bytes) -> HeaderMailbox:
    return HeaderMailbox(None, None, name, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", []),
        (b" , ,", []),
        (b"mary@example.net", [box(b"mary", b"example.net")]),
        (
            b"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
            [
                box(b"mary", b"x.test", b"Mary Smith"),
                box(b"jdoe", b"example.org"),
                box(b"one", b"y.test", b"Who?"),
            ],
        ),
        (
            b'<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
            [box(b"boss", b"nil.test"), box(b"sysservices", b"example.net", b'Giant; "Big" Box')],
        ),
        (
            b"A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;",
            [
                group(b"A Group"),
                box(b"joe", b"where.test", b"Ed Jones"),
                box(b"joe", b"where.test"),
                box(b"jdoe", b"one.test", b"John"),
                END,
            ],
        ),
        (b"Undisclosed recipients:;", [group(b"Undisclosed recipients"), END]),
        (
            b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            [box(b"pete", b"silly.test", b"Pete")],
        ),
        (
            b"A Group(Some people)\t :Chris Jones <c@(Chris's host.)public.example>, "
            b"joe@example.org;",
            [
                group(b"A Group"),
                box(b"c", b"public.example", b"Chris Jones"),
                box(b"joe", b"example.org"),
                END,
            ],
        ),
        (
            b"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
            [
                box(b"mary", b"example.net", b"Mary Smith", b"@node.test"),
                box(b"jdoe", b"test.example"),
            ],
        ),
        (b"<@a.test, @b.test:u@c>", [box(b"u", b"c", route=b"@a.test,@b.test")]),
        (b"joe@x (Joe (the man))", [box(b"joe", b"x", b"Joe (the man)")]),
        (b'"Joe Q. Public" <"j q"@x>', [box(b"j q", b"x", b"Joe Q. Public")]),
        (b"Joe Q. Public <j@x>", [box(b"j", b"x", b"Joe Q. Public")]),
        (b"j@[192.0.2.1]", [box(b"j", b"[192.0.2.1]")]),
        (b"joe", [box(b"joe", b"")]),
        (b"Joe <joe>", [box(b"joe", b"", b"Joe")]),
        (b"Joe <>", [box(None, b"", b"Joe")]),
        (b"<joe@x", [box(b"joe", b"x")]),
        (b"Joe <joe@x, amy@y", [box(b"joe", b"x", b"Joe"), box(b"amy", b"y")]),
        (b"Joe joe@x", [box(b"joe", b"x", b"Joe")]),
        (b'"Joe <joe@x>, amy@y', [box(b"joe", b"x", b"Joe"), box(b"amy", b"y")]),
        (b"joe@x; amy@y", [box(b"joe", b"x"), box(b"amy", b"y")]),
        (b"pay@bank.example@evil.example", [box(b"pay@bank.example", b"evil.example")]),
        (b"Team: a@b, c@d", [group(b"Team"), box(b"a", b"b"), box(b"c", b"d"), END]),
        (b"(only a comment)", []),
        (b"(unclosed a@b", []),
        ("Jörg <j@x>".encode(), [box(b"j", b"x", "Jörg".encode())]),
        (b"=?utf-8?q?J=C3=B6rg?= <j@x>", [box(b"j", b"x", b"=?utf-8?q?J=C3=B6rg?=")]),
    ],
)
def test_it_reads_lists(value: bytes, expected: list[HeaderMailbox]) -> None:
    assert parse_address_list(value) == expected


def test_it_leaves_markers_out_of_mailboxes() -> None:
    assert mailboxes(b"G: a@b;, c@d") == [box(b"a", b"b"), box(b"c", b"d")]


def test_it_bounds_the_list() -> None:
    assert len(parse_address_list(b"a@b," * (MAILBOXES_MAX + 10))) == MAILBOXES_MAX


def test_it_cuts_a_huge_list_between_mailboxes() -> None:
    one = b"Somebody with a long name " * 20 + b"<somebody@example.test>"
    found = parse_address_list(b", ".join([one] * (LIST_MAX // len(one) + 10)))
    assert len(found) == (LIST_MAX + 1) // (len(one) + 2)
    assert {mailbox.host for mailbox in found} == {b"example.test"}


ODD = st.lists(
    st.sampled_from(
        [
            b"a",
            b"b c",
            b"@",
            b"<",
            b">",
            b",",
            b";",
            b":",
            b'"',
            b"\\",
            b"(",
            b")",
            b" ",
            b".",
            b"[",
            b"]",
            b"\0",
            b"\xff",
            b"<a@b>",
            b'"x y"',
        ]
    ),
    max_size=25,
).map(b"".join)


@given(ODD | st.binary(max_size=60))
def test_it_reads_anything(value: bytes) -> None:
    found = parse_address_list(value)
    starts = [mailbox for mailbox in found if mailbox.host is None and mailbox.local is not None]
    ends = [mailbox for mailbox in found if mailbox == END]
    assert len(starts) == len(ends)


@given(ODD)
def test_it_reads_the_common_form_as_it_reads_any_form(value: bytes) -> None:
    common = addresslist._parse_common(value)
    if common is not None:
        assert common == addresslist._parse_any(value)
