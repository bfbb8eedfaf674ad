"""ESEARCH: a search of several mailboxes (RFC 7377)."""

from __future__ import annotations

from dataclasses import dataclass

from apps.imap.proto.filters import Filter, Which, parse_filter
from apps.imap.proto.returns import Refusal, Returns, parse_refusable, parse_returns
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.imap.proto.search import SearchProgram, parse_program

SOURCES_MAX = 50
"""Filters in one IN (...)."""

SELECTED = (Filter(Which.SELECTED),)


@dataclass(frozen=True, slots=True)
class MultiSearch:
    """ESEARCH. `sources` is `SELECTED` if none were given; the rest as in `Search`."""

    sources: tuple[Filter, ...]
    program: SearchProgram
    returns: Returns | None = None
    refusal: Refusal | None = None

    @property
    def has_selected(self) -> bool:
        """Whether the selected mailbox is named as such."""
        return any(one.which is Which.SELECTED for one in self.sources)


def parse_multi_search(scanner: Scanner) -> MultiSearch:
    """Perhaps sources, perhaps RETURN, perhaps a charset, and keys."""
    scanner.space()
    sources = _sources(scanner) if scanner.take_word(b"IN ") else SELECTED
    returns = parse_returns(scanner)
    if returns is not None and returns.wants(b"SAVE") and set(sources) != set(SELECTED):
        raise GrammarError("expected SAVE only for the selected mailbox")
    program, refusal = parse_refusable(scanner, returns, parse_program)
    return MultiSearch(sources, program, returns, refusal)


def _sources(scanner: Scanner) -> tuple[Filter, ...]:
    scanner.expect(b"(")
    sources: dict[Filter, None] = {}
    while True:
        source = parse_filter(scanner)
        if source.which is Which.SELECTED_DELAYED:
            raise GrammarError("expected SELECTED instead of SELECTED-DELAYED")
        sources[source] = None
        if len(sources) > SOURCES_MAX:
            raise LimitError(f"At most {SOURCES_MAX} sources of a search")
        if scanner.take(b")"):
            scanner.space()
            return tuple(sources)
        scanner.space()
