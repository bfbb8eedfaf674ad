"""What the search index is asked for a leaf, and what its answer says of the messages. Pure.

An answer may be exact, or name candidates that have to be scanned: of a field that has no column of
its own the index only knows that there is such a field, and that the text is somewhere in the
header. Messages that the index has not seen are always candidates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from apps.imap.proto.search import HeaderHas, Leaf, TextHas
from apps.imap.search.searching import Bounds, to_mask
from apps.mime.searchtext import ADDRESS_FIELDS, field_mark, folded
from apps.search.base import Field, Known, Term

WORDS_MAX: Final = 16
"""Words of a fuzzy text that are asked for; one with more is looked for in every message."""

_FIELDS: Final = {
    b"FROM": Field.SENDER,
    b"TO": Field.TO,
    b"CC": Field.CC,
    b"BCC": Field.BCC,
    b"SUBJECT": Field.SUBJECT,
}
_TEXT: Final = (Field.HEADER, Field.BODY, Field.FILENAME)


@dataclass(frozen=True, slots=True)
class Asking:
    """What to ask for a leaf.

    least: so many of the terms a message has at least.
    is_exact: and who has, matches.
    enough: who has this one matches too.
    """

    terms: tuple[Term, ...]
    least: int
    is_exact: bool
    enough: Term | None = None

    @property
    def all_terms(self) -> tuple[Term, ...]:
        """What to ask, in the order of the answers that `bounds` takes."""
        return self.terms if self.enough is None else (*self.terms, self.enough)

    def bounds(self, known: Known, message_ids: Sequence[int], everything: int) -> Bounds:
        """Return what the index knows of these messages."""
        hits = [one for one in known.hits[: len(self.terms)] if one is not None]
        if not hits or (len(hits) < len(self.terms) and self.least < len(self.terms)):
            return Bounds(0, everything)
        matching = _at_least(hits, min(self.least, len(hits)))
        possibly = matching | known.unindexed if known.unindexed else matching
        surely: Set[int] = frozenset()
        if self.is_exact:
            surely = matching
        elif self.enough is not None:
            surely = known.hits[-1] or frozenset()
        if known.unindexed:
            surely = surely - known.unindexed
        mask = _mask(possibly, message_ids)
        return Bounds(mask if surely is possibly else _mask(surely, message_ids), mask)


def _at_least(hits: Sequence[Set[int]], least: int) -> Set[int]:
    if len(hits) == 1:
        return hits[0]
    if least == len(hits):
        smallest, *others = sorted(hits, key=len)
        return {one for one in smallest if all(one in other for other in others)}
    counted = Counter(chain.from_iterable(hits))
    return {one for one, count in counted.items() if count >= least}


def _mask(chosen: Set[int], message_ids: Sequence[int]) -> int:
    return to_mask(bytes(map(chosen.__contains__, message_ids))) if chosen else 0


def asking(leaf: Leaf) -> Asking | None:
    """Return what to ask for a leaf, None if the index cannot help."""
    match leaf:
        case HeaderHas(name, text, fuzzy):
            return _asking_field(name, folded(text), fuzzy=fuzzy)
        case TextHas(text, header, fuzzy):
            wanted = folded(text)
            fields = _TEXT if header else (Field.BODY,)
            return _asking_text(wanted, fields, fuzzy=fuzzy) if wanted else None
        case _:
            return None


def together(questions: Sequence[Asking]) -> Asking:
    """Join exact questions into one about messages that have all: an index answers it in the time
    of the rarest."""
    first, *others = [question.terms[0] for question in questions]
    return Asking((replace(first, also=tuple(others)),), 1, is_exact=True)


def _asking_field(name: bytes, text: str, *, fuzzy: bool) -> Asking | None:
    there = Term(field_mark(name.decode("latin-1")), (Field.HEADER,))
    if not text:
        return Asking((there,), 1, is_exact=True)
    field = _FIELDS.get(name)
    if field is not None:
        return _asking_text(text, (field,), fuzzy=fuzzy)
    if fuzzy or name.lower() in ADDRESS_FIELDS:
        # Their addresses are searched as ENVELOPE tells them, and need not stand so in the header.
        return Asking((there,), 1, is_exact=False)
    # Most look for how a value begins, which can be told from the header as a whole.
    begins = Term(f"{there.text} {text}", there.fields) if text[0] != " " else None
    return Asking((there, Term(text, there.fields)), 2, is_exact=False, enough=begins)


def _asking_text(text: str, fields: tuple[Field, ...], *, fuzzy: bool) -> Asking | None:
    if not fuzzy:
        return Asking((Term(text, fields),), 1, is_exact=True)
    words = list(dict.fromkeys(text.split()))
    if not 0 < len(words) <= WORDS_MAX:
        return None
    # All of them need not be in one value, and how well they match only the text tells.
    terms = tuple([Term(word, fields) for word in words])
    return Asking(terms, len(words) // 2 + 1, is_exact=False)
