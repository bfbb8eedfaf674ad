"""What stands in RETURN, and what it means."""

import pytest

from apps.imap.proto.fetch import FetchItem
from apps.imap.proto.returns import Returns, parse_cancel, parse_search
from apps.imap.proto.scanner import GrammarError, Scanner
from apps.imap.proto.search import CharsetError
from apps.wire.lines import RawCommand


def scanner(raw: bytes) -> Scanner:
    return Scanner(RawCommand((raw,)))


def returns_of(raw: bytes) -> Returns:
    returns = parse_search(scanner(raw)).returns
    assert returns is not None
    return returns


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (b"()", set()),
        (b"(MIN)", {b"MIN"}),
        (b"(min Max COUNT all)", {b"MIN", b"MAX", b"COUNT", b"ALL"}),
        (b"(SAVE SAVE)", {b"SAVE"}),
        (b"(PARTIAL 1:2 SAVE)", {b"PARTIAL", b"SAVE"}),
        (b"(CONTEXT UPDATE)", {b"CONTEXT", b"UPDATE"}),
    ],
)
def test_it_reads_options(options: bytes, asked: set[bytes]) -> None:
    assert returns_of(b" RETURN " + options + b" ALL").asked == asked


@pytest.mark.parametrize("between", [b"", b" "])
def test_it_reads_what_update_is_to_fetch(between: bytes) -> None:
    items: tuple[FetchItem, ...] = returns_of(
        b" RETURN (UPDATE" + between + b"(UID FLAGS) COUNT) ALL"
    ).items
    assert len(items) == 2
    assert returns_of(b" RETURN (UPDATE COUNT) ALL").items == ()


@pytest.mark.parametrize(
    "raw",
    [
        b" RETURN ALL",
        b" RETURN (ALL)",
        b" RETURN (ALL)SEEN",
        b" RETURN (NONSENSE) ALL",
        b" RETURN (ALL  MIN) ALL",
        b" RETURN ( ALL) ALL",
        b" RETURN (PARTIAL) ALL",
        b" RETURN (PARTIAL 1:2 ALL) ALL",
        b" RETURN (RELEVANCY) ALL",
        b" RETURN (UPDATE ()) ALL",
        b"RETURN (ALL) ALL",
    ],
)
def test_it_refuses(raw: bytes) -> None:
    with pytest.raises(GrammarError):
        parse_search(scanner(raw))


@pytest.mark.parametrize(
    ("options", "is_whole"),
    [
        (b"", True),
        (b"SAVE", True),
        (b"MIN", False),
        (b"MAX SAVE", False),
        (b"MIN MAX", False),
        (b"PARTIAL 1:2 MIN", False),
        (b"MIN COUNT", True),
        (b"MIN ALL SAVE", True),
        (b"PARTIAL 1:2 COUNT", True),
    ],
)
def test_it_knows_what_a_result_is(options: bytes, is_whole: bool) -> None:
    """RFC 5182 section 2.4, RFC 9394 section 3.2: what is saved."""
    assert returns_of(b" RETURN (" + options + b") ALL").is_whole is is_whole


def test_it_keeps_the_refusal_of_a_search_that_saves() -> None:
    assert isinstance(parse_search(scanner(b" RETURN (SAVE) CHARSET X ALL")).refusal, CharsetError)
    with pytest.raises(CharsetError):
        parse_search(scanner(b" RETURN (ALL) CHARSET X ALL"))


def test_it_reads_tags() -> None:
    assert parse_cancel(scanner(b' "a1" "b"')).tags == (b"a1", b"b")
    for raw in (b"", b" a1", b' "a1""b"', b' "a1" '):
        with pytest.raises(GrammarError):
            parse_cancel(scanner(raw))
