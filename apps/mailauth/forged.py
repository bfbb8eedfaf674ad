"""Results that came with a message and pretend to be ours: found, so that nobody is shown them.

Whoever reads mail believes an Authentication-Results field with our name (RFC 8601 section 5), and
some believe a Received-SPF. What a message brings of them was written by a stranger. The octets are
kept as they came; the ranges found here are hidden from readers and from who gets it forwarded.

Every spelling of our name counts: with comments and white space, quoted, in capitals, with a final
dot, in U-labels. So does a field that cannot be read, or that says nobody's name: a hasty reader
might take it for ours.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from apps.mailauth.reading import authserv_id
from apps.mime.address import display_domain

Range = tuple[int, int]

CUTS_MAX: Final = 1_000
# Of such fields that are read. Honest messages have a tenth of it; what stands from there on to the
# end of the header is hidden unread, whatever it is.
FIELDS_MAX: Final = 200
OCTETS_MAX: Final = 64 * 1024

_NAMES: Final = (b"authentication-results", b"received-spf")
# As lenient as any reader: bare LF ends a line, white space may stand before the colon.
_FIELD: Final = re.compile(rb"([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")
_OWNER: Final = re.compile(r"[!-<>@-~]++")  # printable, and no encoded word
_COMMENT: Final = re.compile(r"\([^()]*+\)")
_SPACED_DOT: Final = re.compile(r"\s*+\.\s*+")
_WORD: Final = re.compile(r"[^\s\x00-\x20()<>,;:=\"@/]++")
_UNSEEN: Final = re.compile("[\u00ad\u034f\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]")
_RECEIVER: Final = re.compile(r"\breceiver\s*+=", re.IGNORECASE)


def cuts(raw: bytes, hostname: str) -> tuple[Range, ...]:
    """Return the ranges of `raw` to hide, rising and apart: whole fields with their line ends. They
    are in the header alone, and the empty line that ends it is in none.

    Args:
        hostname: our name, A-labels, as `results.authentication_results` writes it.
    """
    return merge(_forged(raw, _header_end(raw), hostname))


def merge(*lists: Iterable[Range]) -> tuple[Range, ...]:
    """Return all ranges as one list, rising, with those joined that touch.

    There are at most `CUTS_MAX`: the last one then reaches over all the rest. Who sends a thousand
    forged fields need not be shown what stands between them.
    """
    merged: list[Range] = []
    for start, end in sorted(one for ranges in lists for one in ranges):
        if merged and (start <= merged[-1][1] or len(merged) == CUTS_MAX):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _header_end(raw: bytes) -> int:
    """Where the header ends for whoever has it end last."""
    if raw.startswith(b"\r\n"):
        return 0
    end = raw.find(b"\r\n\r\n")
    return len(raw) if end < 0 else end + 2


def _forged(raw: bytes, header_end: int, hostname: str) -> Iterator[Range]:
    left = OCTETS_MAX
    for number, start in enumerate(_starts(raw[:header_end])):
        field = _FIELD.match(raw, start, min(start + left, header_end))
        if number == FIELDS_MAX or (field and field.end() - start == left):
            yield start, header_end
            return
        if field is not None and _is_forged(field[1].lower(), field[2], hostname):
            yield field.span()
        left -= len(field[0]) if field else 0


def _starts(header: bytes) -> list[int]:
    """Where lines begin with one of the names, the first ones, rising. A search by octets: a header
    may be as large as a message."""
    lines = b"\n" + header.lower()
    found: list[int] = []
    for name in _NAMES:
        at = -1
        for _ in range(FIELDS_MAX + 1):
            at = lines.find(b"\n" + name, at + 1)
            if at < 0:
                break
            found.append(at)
    return sorted(found)


def _is_forged(name: bytes, value: bytes, hostname: str) -> bool:
    if name == _NAMES[0]:
        return _is_ours_or_nobodys(authserv_id(value) or "", hostname)
    return name == _NAMES[1] and _names_us(value.decode("utf-8", "replace"), hostname)


def _is_ours_or_nobodys(owner: str, hostname: str) -> bool:
    # Some add the number of a job to their name: `mail.example.org/4Xyz`.
    return not _OWNER.fullmatch(owner) or owner.partition("/")[0].rstrip(".") == hostname


def _names_us(value: str, hostname: str) -> bool:
    """Whether a Received-SPF speaks in our name: `receiver=`, or the comment behind its result (RFC
    7208 section 9.1); or in nobody's."""
    value = value.replace("\\", "")  # quoted pairs
    if "(" not in value and not _RECEIVER.search(value):
        return True
    ours = {hostname, _folded(display_domain(hostname))}
    views = (value, _SPACED_DOT.sub(".", _COMMENT.sub(" ", value)))
    return any(
        _folded(word[0]).rstrip(".") in ours for view in views for word in _WORD.finditer(view)
    )


def _folded(word: str) -> str:
    """A name in the form to compare it in: what looks the same or is the same to IDNA is equal. The
    mapping of IDNA itself costs thirty times as much, and here are words by the thousand."""
    if word.isascii():
        return word.lower()
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", word)).casefold()
    return text.replace("\u3002", ".")
