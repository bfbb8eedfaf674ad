"""What a search is to answer: SEARCH and SORT with RETURN (RFC 4731, 5182, 5267, 6203, 9394).

`Search` and its parser stand here too: a search is its keys and what is asked of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.imap.proto.fetch import FetchItem, parse_items
from apps.imap.proto.partial import PartialRange, parse_partial
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.imap.proto.search import (
    CharsetError,
    SearchProgram,
    parse_program,
    parse_program_in_charset,
)

Refusal = CharsetError | LimitError


@dataclass(frozen=True, slots=True)
class Returns:
    """The options of RETURN; `asked` is what stood there, in upper case, each once.

    partial: the window that PARTIAL names.
    items: what UPDATE is to fetch of new messages (RFC 5465 section 7).
    """

    asked: frozenset[bytes]
    partial: PartialRange | None = None
    items: tuple[FetchItem, ...] = ()

    def wants(self, option: bytes) -> bool:
        """Whether an option was given."""
        return option in self.asked

    @property
    def wants_all(self) -> bool:
        """ALL, or nothing at all (RFC 4731 section 3.1)."""
        return not self.asked or b"ALL" in self.asked

    @property
    def is_whole(self) -> bool:
        """Whether the result is every message found; else only what MIN, MAX and PARTIAL name: that
        is what SAVE saves (RFC 5182 section 2.4, RFC 9394 section 3.2) and whose modseq is told
        (RFC 4731 section 3.2)."""
        few = self.asked & {b"MIN", b"MAX", b"PARTIAL"}
        return not few or not self.asked.isdisjoint({b"ALL", b"COUNT"})

    @property
    def is_silent(self) -> bool:
        """Whether nothing but saving was asked for: then there is no ESEARCH (RFC 5182 section
        1)."""
        return self.asked == {b"SAVE"}


ALL_OF_THEM = Returns(frozenset())
"""What a search without RETURN is to answer where every answer is ESEARCH (RFC 9051)."""

_OPTIONS = frozenset(b"MIN MAX ALL COUNT SAVE PARTIAL UPDATE CONTEXT RELEVANCY".split())


@dataclass(frozen=True, slots=True)
class Search:
    """SEARCH and UID SEARCH. `returns` is None without RETURN; `refusal`: why it cannot be done,
    kept until what SAVE saved before has been forgotten (RFC 5182 section 2.1); `names_charset`:
    whether there is a CHARSET."""

    program: SearchProgram
    returns: Returns | None = None
    refusal: Refusal | None = None
    names_charset: bool = False


def parse_returns(scanner: Scanner) -> Returns | None:
    """Take RETURN (...) and the space behind it, if it stands there."""
    if not scanner.take_word(b"RETURN "):
        return None
    scanner.expect(b"(")
    asked: set[bytes] = set()
    partial: PartialRange | None = None
    items: tuple[FetchItem, ...] = ()
    while not scanner.take(b")"):
        if asked:
            scanner.space()
        option = scanner.word("a result option")
        if option not in _OPTIONS:
            raise GrammarError("expected MIN, MAX, ALL, COUNT, SAVE or another result option")
        if option == b"PARTIAL":
            if partial is not None:
                raise GrammarError("expected PARTIAL only once")
            scanner.space()
            partial = parse_partial(scanner)
        elif option == b"UPDATE" and (scanner.peek(b" (") or scanner.peek(b"(")):
            scanner.take(b" ")
            items = parse_items(scanner)
        asked.add(option)
    if asked >= {b"ALL", b"PARTIAL"}:
        raise GrammarError("expected either ALL or PARTIAL")
    scanner.space()
    return Returns(frozenset(asked), partial, items)


def parse_search(scanner: Scanner) -> Search:
    """Perhaps RETURN, perhaps a charset, and keys."""
    scanner.space()
    returns = parse_returns(scanner)
    names_charset = scanner.take_word(b"CHARSET ")
    parse = parse_program_in_charset if names_charset else parse_program
    program, refusal = parse_refusable(scanner, returns, parse)
    return Search(program, returns, refusal, names_charset)


def parse_refusable(
    scanner: Scanner, returns: Returns | None, parse: Callable[[Scanner], SearchProgram]
) -> tuple[SearchProgram, Refusal | None]:
    """Take the keys; of a search that saves, a refusal is returned and not raised.

    Raises:
        GrammarError: not in the grammar, or RELEVANCY without FUZZY (RFC 6203 section 4).
        CharsetError, LimitError: it cannot be done, and saves nothing.
    """
    try:
        program = parse(scanner)
    except (CharsetError, LimitError) as error:
        if returns is not None and returns.wants(b"SAVE"):
            return SearchProgram((), ()), error
        raise
    if returns is not None and returns.wants(b"RELEVANCY") and not program.is_fuzzy:
        raise GrammarError("expected FUZZY where RELEVANCY is asked for")
    return program, None


@dataclass(frozen=True, slots=True)
class Cancel:
    """CANCELUPDATE: tags of searches."""

    tags: tuple[bytes, ...]


def parse_cancel(scanner: Scanner) -> Cancel:
    """Quoted tags, at least one (RFC 5267 section 5)."""
    tags: list[bytes] = []
    while not tags or not scanner.at_end:
        scanner.space()
        tags.append(scanner.string("a quoted tag"))
    return Cancel(tuple(tags))
