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
from collections.abc import Iterable
from typing import Final

from apps.mailauth.reading import authserv_id
from apps.mime.address import display_domain

Range = tuple[int, int]

CUTS_MAX: Final = 1_000
# What is read; honest messages have less, and the rest is held for forged unread.
VALUE_MAX: Final = 16 * 1024  # octets of one field
FIELDS_MAX: Final = 200

# As lenient as any reader: bare LF ends a line, white space may stand before the colon.
_FIELD: Final = re.compile(
    rb"^(authentication-results|received-spf)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)",
    re.MULTILINE | re.IGNORECASE,
)
_RESULTS: Final = b"authentication-results"
_OWNER: Final = re.compile(r"[!-<>@-~]++")  # printable, and no encoded word
_COMMENT: Final = re.compile(r"\([^()]*+\)")
_SPACED_DOT: Final = re.compile(r"\s*+\.\s*+")
_WORD: Final = re.compile(r"[^\s\x00-\x20()<>,;:=\"@/]++")
_UNSEEN: Final = re.compile("[\u00ad\u034f\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]")
_RECEIVER: Final = re.compile(r"\breceiver\s*+=", re.IGNORECASE)


def cuts(raw: bytes, hostname: str) -> tuple[Range, ...]:
    """Return the ranges of `raw` to hide, rising and apart: whole fields with their line ends.

    Args:
        hostname: our name, A-labels, as `results.authentication_results` writes it.
    """
    found = enumerate(_FIELD.finditer(raw, 0, _header_end(raw)))
    return merge(
        one.span()
        for number, one in found
        if number >= FIELDS_MAX or _is_forged(one[1].lower(), one[2], hostname)
    )


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


def _is_forged(name: bytes, value: bytes, hostname: str) -> bool:
    if len(value) > VALUE_MAX:
        return True
    if name == _RESULTS:
        return _is_ours_or_nobodys(authserv_id(value) or "", hostname)
    return _names_us(value.decode("utf-8", "replace"), hostname)


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
