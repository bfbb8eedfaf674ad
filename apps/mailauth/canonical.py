"""Canonical forms of fields and bodies (RFC 6376 section 3.4): what is hashed and signed.

Linear in time for any octets. A body is worked through in portions, so that a large one is not
held again in its canonical form.
"""

import hashlib
import re
from typing import Final

from apps.mailauth.message import HeaderField

_WHITE: Final = re.compile(rb"[ \t]++")
_EMPTY_LINES: Final = re.compile(rb"(?:\n\r)*+")  # of a reversed text
_PORTION: Final = 1 << 20


def relaxed_field(field: HeaderField) -> bytes:
    """A field in relaxed form, without a line end (section 3.4.2)."""
    value = _WHITE.sub(b" ", field.value.replace(b"\r\n", b"")).strip(b" ")
    return field.name + b":" + value


def simple_field(field: HeaderField) -> bytes:
    """A field in simple form: as it stands (section 3.4.1), without its last line end."""
    return field.raw


def body_hash(body: bytes, *, is_relaxed: bool) -> tuple[bytes, int]:
    """SHA-256 of the body's canonical form, and how many octets that form has."""
    digest = hashlib.sha256()
    size = 0
    lines = 0  # empty ones met, which count only if something follows them
    at = 0
    while at < len(body):
        cut = body.find(b"\r\n", at + _PORTION)
        end = cut + 2 if cut >= 0 else len(body)
        portion = body[at:end]
        at = end
        if not portion.endswith(b"\r\n"):
            portion += b"\r\n"  # section 3.4.3: the last line is a line
        if is_relaxed:
            portion = _relaxed(portion)
        kept, empty = _cut_empty_lines(portion)
        if kept:
            kept = b"\r\n" * lines + kept
            digest.update(kept)
            size += len(kept)
            lines = empty
        else:
            lines += empty
    if size or not is_relaxed:
        # One line end closes the last line, and a simple body that has no line at all.
        digest.update(b"\r\n")
        size += 2
    return digest.digest(), size


def _relaxed(text: bytes) -> bytes:
    """Whole lines in relaxed form (section 3.4.4 a)."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    while b"  " in text:  # each turn halves the longest run
        text = text.replace(b"  ", b" ")
    return text.replace(b" \r\n", b"\r\n")


def _cut_empty_lines(text: bytes) -> tuple[bytes, int]:
    """Return the text without the line ends at its end, and how many those are."""
    tail = text[len(text.rstrip(b"\r\n")) :]
    found = _EMPTY_LINES.match(tail[::-1])
    count = found.end() // 2 if found else 0
    return text[: len(text) - 2 * count], count
