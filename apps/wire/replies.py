"""SMTP replies: one value, one way onto the wire.

`Reply` holds a code, an enhanced status code (RFC 2034, RFC 3463; "" for the kinds that carry
none: greeting, EHLO, 354, 334) and a text whose line breaks separate reply lines. `lines()` and
`encode()` promise: no reply text can end a line early, smuggle a second reply or write past the
512 octets of RFC 5321 section 4.5.3.1.5, whatever a peer's words it quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_REPLY_LINE = 512  # RFC 5321 section 4.5.3.1.5: octets, with the code and CRLF.

_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BREAKS = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply. `text` may hold several lines, parted by LF."""

    code: int
    enhanced: str
    text: str

    def __post_init__(self) -> None:
        """Refuse a reply that no client could read: a programming error, not a peer's."""
        if not 200 <= self.code <= 599:
            raise ValueError(f"not an SMTP reply code: {self.code}")
        if self.enhanced and not _ENHANCED.fullmatch(self.enhanced):
            raise ValueError(f"not an enhanced status code: {self.enhanced!r}")

    @property
    def is_positive(self) -> bool:
        """Whether the command worked or may go on (2yz, 3yz)."""
        return self.code < 400

    @property
    def is_transient(self) -> bool:
        """Whether the peer should try again later (4yz)."""
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        """Whether the same command will fail again (5yz)."""
        return self.code >= 500

    def lines(self, *, utf8: bool = False) -> list[bytes]:
        """Return the wire lines without their CRLF; at least one.

        Every line repeats the enhanced code (RFC 2034 section 4). Non-ASCII becomes "?" unless
        `utf8` (RFC 6531 section 3.7.4.2: only when the client asked for SMTPUTF8).
        """
        texts = [_clean(line) for line in _BREAKS.split(self.text)]
        last = len(texts) - 1
        return [self._line(text, final=n == last, utf8=utf8) for n, text in enumerate(texts)]

    def encode(self, *, utf8: bool = False) -> bytes:
        """Return the whole reply as octets, each line ended by CRLF."""
        return b"\r\n".join(self.lines(utf8=utf8)) + b"\r\n"

    def _line(self, text: str, *, final: bool, utf8: bool) -> bytes:
        head = f"{self.code}{' ' if final else '-'}"
        if self.enhanced:
            head += f"{self.enhanced} "
        raw = head.encode("ascii") + text.encode("utf-8" if utf8 else "ascii", "replace")
        return _cut(raw, MAX_REPLY_LINE - 2)


def _clean(text: str) -> str:
    return _CONTROLS.sub("", text).replace("\t", " ")


def _cut(raw: bytes, size: int) -> bytes:
    """Return at most `size` octets of UTF-8, never half a character."""
    if len(raw) <= size:
        return raw
    return raw[:size].decode("utf-8", "ignore").encode("utf-8")
