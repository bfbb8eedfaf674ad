"""Canonical forms of fields and bodies (RFC 6376 section 3.4): what is hashed and signed.

Linear in time for any octets. A body is worked through in portions, so that a large one is not
held again in its canonical form, and whoever hashes it may pause between two.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from apps.mailauth.message import Body, HeaderField

PORTION: Final = 64 << 10  # octets: fits into the processor's cache, and takes 0.1 ms
_EMPTY_LINES: Final = re.compile(rb"(?:\n\r)*+")  # of a reversed text
_CRLF: Final = b"\r\n"
_LINES_AT_ONCE: Final = PORTION // 2


class Form(NamedTuple):
    """What a signature hashes of a body.

    Args:
        limit: its l=, octets of the canonical form; None for all of it.
    """

    is_relaxed: bool
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class BodySum:
    """The SHA-256 of a form of a body.

    Args:
        digest: None if the limit is beyond the end.
        size: octets of the whole canonical form.
    """

    digest: bytes | None
    size: int


def relaxed_field(field: HeaderField) -> bytes:
    """A field in relaxed form, without a line end (section 3.4.2)."""
    return field.name + b":" + _narrow(field.value.replace(_CRLF, b"")).strip(b" ")


def simple_field(field: HeaderField) -> bytes:
    """A field in simple form: as it stands (section 3.4.1), without its last line end."""
    return field.raw


def body_hash(body: Body, *, is_relaxed: bool) -> tuple[bytes, int]:
    """SHA-256 of the body's canonical form, and how many octets that form has."""
    hasher = BodyHasher(is_relaxed=is_relaxed)
    hasher.update_all(body)
    digest, size = hasher.finish(), hasher.size
    return digest, size


def body_sums(body: Body, forms: Iterable[Form]) -> dict[Form, BodySum]:
    """Several forms of one body; it is gone through once for each canonicalization."""
    sums: dict[Form, BodySum] = {}
    wanted = set(forms)
    for is_relaxed in {form.is_relaxed for form in wanted}:
        alike = [form for form in wanted if form.is_relaxed is is_relaxed]
        limits = [form.limit for form in alike if form.limit is not None]
        hasher = BodyHasher(is_relaxed=is_relaxed, limits=limits)
        hasher.update_all(body)
        whole = hasher.finish()
        for form in alike:
            digest = whole if form.limit is None else hasher.digests.get(form.limit)
            sums[form] = BodySum(digest, hasher.size)
    return sums


class BodyHasher:
    """Hashes the canonical form of a body that comes in portions, cut anywhere.

    Args:
        limits: the l= of signatures: `digests` has the hash of so many first octets, if there are
            so many.
    """

    def __init__(self, *, is_relaxed: bool, limits: Iterable[int] = ()) -> None:
        self.size = 0
        self.digests: dict[int, bytes] = {}
        self._is_relaxed = is_relaxed
        self._hash = hashlib.sha256()
        self._limits = sorted(set(limits), reverse=True)  # the next one is the last
        self._lines = 0  # line ends met, which count only if something follows them
        self._left = b""  # what means this or that, depending on what follows: " ", "\r", " \r"
        self._feed(b"")  # to meet a limit of 0

    def update_all(self, body: Body) -> None:
        """Take a whole body, in portions."""
        for at in range(0, len(body), PORTION):
            self.update(bytes(body[at : at + PORTION]))

    def update(self, portion: bytes) -> None:
        """Take what comes next."""
        text = self._left + portion
        self._left = b""
        if text.endswith(b"\r"):
            text, self._left = text[:-1], b"\r"
        if self._is_relaxed:
            bare = text.rstrip(b" \t")
            if len(bare) < len(text):
                self._left = b" " + self._left
            text = _narrow(bare).replace(b" \r\n", _CRLF)  # section 3.4.4 a
        self._add(*_cut_empty_lines(text))

    def finish(self) -> bytes:
        """Return the hash of all; nothing may come afterwards."""
        # White space at the end of a last line without line end goes as that of any line.
        self._add(b"" if self._left == b" " else self._left, 0)
        if self.size or not self._is_relaxed:
            # One line end closes the last line (section 3.4.3), also of a simple body that has no
            # line at all.
            self._feed(_CRLF)
        return self._hash.digest()

    def _add(self, kept: bytes, lines: int) -> None:
        """Take text that does not end in a line end, and the line ends behind it."""
        if not kept:
            self._lines += lines
            return
        while self._lines:
            now = min(self._lines, _LINES_AT_ONCE)
            self._feed(_CRLF * now)
            self._lines -= now
        self._feed(kept)
        self._lines = lines

    def _feed(self, data: bytes) -> None:
        while self._limits and self._limits[-1] <= self.size + len(data):
            limit = self._limits.pop()
            part = self._hash.copy()
            part.update(data[: limit - self.size])
            self.digests[limit] = part.digest()
        self._hash.update(data)
        self.size += len(data)


def _narrow(text: bytes) -> bytes:
    """Each run of white space as one space."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    while b"  " in text:  # each turn halves the longest run
        text = text.replace(b"  ", b" ")
    return text


def _cut_empty_lines(text: bytes) -> tuple[bytes, int]:
    """Return the text without the line ends at its end, and how many those are."""
    if not text.endswith(_CRLF):
        return text, 0
    tail = text[len(text.rstrip(_CRLF)) :]
    found = _EMPTY_LINES.match(tail[::-1])
    count = found.end() // 2 if found else 0
    return text[: len(text) - 2 * count], count
