"""The arguments of LIST, STATUS and CREATE."""

import pytest

from apps.imap.proto.names import (
    PATTERNS_MAX,
    USES_MAX,
    Create,
    List,
    Status,
    parse_create,
    parse_list,
    parse_lsub,
    parse_status,
)
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.wire.lines import Literal, RawCommand, Token


def scanner(*tokens: Token) -> Scanner:
    return Scanner(RawCommand(tokens))


def read(line: bytes) -> List:
    return parse_list(scanner(line))


def test_it_reads_the_basic_form() -> None:
    assert read(b' "" %') == List(b"", (b"%",))
    assert read(b' a/ "b c%"') == List(b"a/", (b"b c%",))
    assert parse_list(scanner(b" ", Literal(b"a"), b" ", Literal(b"*"), b"")) == List(b"a", (b"*",))
    assert parse_lsub(scanner(b' "" *')) == List(b"", (b"*",))


def test_it_reads_every_form_that_is_extended() -> None:
    """RFC 5258 section 1: options before, several patterns, options behind."""
    assert read(b' () "" %') == List(b"", (b"%",), extended=True)
    assert read(b' "" (%)') == List(b"", (b"%",), extended=True)
    assert read(b' "" % RETURN ()') == List(b"", (b"%",), extended=True)
    assert read(b' "" ("" "a b" %)').patterns == (b"", b"a b", b"%")


def test_it_reads_options_once_and_in_any_case() -> None:
    found = read(b' (Subscribed REMOTE remote SPECIAL-USE RecursiveMatch) "" % return (children)')
    assert found.selects == {b"SUBSCRIBED", b"REMOTE", b"SPECIAL-USE", b"RECURSIVEMATCH"}
    assert found.criteria == (b"SPECIAL-USE", b"SUBSCRIBED")
    assert found.returns == {b"CHILDREN"}


def test_it_reads_options_with_values() -> None:
    line = (
        b' "" % RETURN (STATUS (messages) MYRIGHTS METADATA (/Shared/Comment "/private/a b")'
        b" STATUS (UNSEEN MESSAGES) METADATA (/private/x))"
    )
    found = read(line)
    assert found.returns == {b"STATUS", b"MYRIGHTS", b"METADATA"}
    assert found.status == (b"MESSAGES", b"UNSEEN")
    assert found.entries == {
        b"/shared/comment": b"/Shared/Comment",
        b"/private/a b": b"/private/a b",
        b"/private/x": b"/private/x",
    }


@pytest.mark.parametrize(
    "line",
    [
        b' ( SUBSCRIBED) "" %',
        b' (SUBSCRIBED ) "" %',
        b' (SUBSCRIBED  REMOTE) "" %',
        b' (SUBSCRIBED)"" %',
        b' (RECURSIVEMATCH) "" %',
        b' (REMOTE RECURSIVEMATCH) "" %',
        b' (CHILDREN) "" %',
        b' "" ()',
        b' "" (%',
        b' "" (% )',
        b' "" % RETURN',
        b' "" % RETURN CHILDREN',
        b' "" % RETURN (REMOTE)',
        b' "" % RETURN (CHILDREN (x))',
        b' "" % RETURN (STATUS)',
        b' "" % RETURN (STATUS(MESSAGES))',
        b' "" % RETURN (METADATA ())',
        b' "" % RETURN (METADATA /shared/comment)',
        b' "" % RETURN (CHILDREN) (x)',
        b' "" %  RETURN (CHILDREN)',
        b' "" % CHILDREN',
        b' ""',
    ],
)
def test_it_refuses_what_is_not_in_the_grammar(line: bytes) -> None:
    with pytest.raises(GrammarError):
        read(line)


def test_it_bounds_the_patterns() -> None:
    patterns = b" ".join(b"a%d" % number for number in range(PATTERNS_MAX))
    assert len(read(b' "" (%b)' % patterns).patterns) == PATTERNS_MAX
    with pytest.raises(LimitError):
        read(b' "" (%b more)' % patterns)


def test_it_reads_status() -> None:
    assert parse_status(scanner(b" x (messages SIZE Size)")) == Status(b"x", (b"MESSAGES", b"SIZE"))
    for line in (b" x ()", b" x MESSAGES", b" x (NONE)", b" x (SIZE) y", b" x ( SIZE)", b" x"):
        with pytest.raises(GrammarError):
            parse_status(scanner(line))


def test_it_reads_create() -> None:
    assert parse_create(scanner(b" x/")) == Create(b"x")
    assert parse_create(scanner(b" x (USE ())")) == Create(b"x")
    assert parse_create(scanner(b" x ()")) == Create(b"x")
    found = parse_create(scanner(b" x (use (\\Sent \\drafts \\SENT))"))
    assert found == Create(b"x", (b"\\SENT", b"\\DRAFTS"))
    for line in (b" x USE", b" x (USE)", b" x (USE (Sent))", b" x (SIZE 1)", b" x (USE (\\Sent)"):
        with pytest.raises(GrammarError):
            parse_create(scanner(line))
    many = b" ".join(b"\\x%d" % number for number in range(USES_MAX + 1))
    with pytest.raises(LimitError):
        parse_create(scanner(b" x (USE (%b))" % many))
