"""The end of a letter's message: its files, encoded, and the delimiters that close it. Pure.

A letter with files is `mixed(related(text, pictures), files)` (RFC 2046, RFC 2387). Everything
behind the text is the tail, which is kept as a blob of its own: a new text never copies a file.
Which multiparts there are is read from the tail itself, so that it cannot disagree with what
stands before it.
"""

import binascii
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from apps.mime.composing import filename

MOST_OVERHEAD: Final = 4_096
"""Octets that the fields and delimiters of one file take at most, its name encoded twice."""

_BARE: Final = 57  # octets of a line of base64 (RFC 2045 section 6.8: 76 characters)
_LINE: Final = 76
_STRETCH: Final = _BARE * 4096  # octets that are encoded at once
_LONGEST_LINE: Final = 998  # RFC 5322 section 2.1.1
_MIXED, _RELATED = "=_m", "=_r"


@dataclass(frozen=True, slots=True)
class Piece:
    """A file as it goes into a letter.

    Args:
        read: gives its bytes; called once, so that one file is in memory at a time.
        cid: Content-ID, without brackets, of a picture within the text; "" for an attachment.
    """

    name: str
    media_type: str
    read: Callable[[], bytes]
    cid: str = ""


def build(pieces: Sequence[Piece], seed: str) -> bytes:
    """The tail, from the line end of its first delimiter on; b"" without files.

    Args:
        seed: says what the letter consists of, ids of its files included: nobody who wrote one of
            them can know the delimiters that come of it.
    """
    mark = hashlib.sha256(seed.encode()).hexdigest()[:40]
    shown = [one for one in pieces if one.cid]
    attached = [one for one in pieces if not one.cid]
    return b"".join([*_run(shown, _RELATED + mark), *_run(attached, _MIXED + mark)])


def encoded_size(size: int) -> int:
    """Octets that a file of `size` octets takes in a message, its fields left out."""
    return -(-size // _BARE) * 2 + -(-size // 3) * 4


def opening(tail: bytes, text_type: str = "multipart/alternative") -> bytes:
    """What stands between the fields of the message and the Content-Type of its text, so that the
    text and this tail are one message; b"" without files.

    Args:
        text_type: the Content-Type of what comes behind it (RFC 2387 section 3.1 wants it told).
    """
    if not tail:
        return b""
    first = tail[4 : tail.index(b"\r\n", 4)].decode("ascii")
    last = tail[tail.rindex(b"\r\n--", 0, -2) + 4 : -4].decode("ascii")
    # RFC 2045 section 6.4: what is around a part of eight bits says so too.
    is_wide = not tail.isascii()
    opened = ""
    if last.startswith(_MIXED):
        opened += _field("multipart/mixed", "", last, is_wide=is_wide)
    if first.startswith(_RELATED):
        opened += _field("multipart/related", f'; type="{text_type}"', first)
    return opened.encode("ascii")


def _field(kind: str, more: str, boundary: str, *, is_wide: bool = False) -> str:
    encoding = "Content-Transfer-Encoding: 8bit\r\n" if is_wide else ""
    field = f'Content-Type: {kind}{more};\r\n boundary="{boundary}"\r\n'
    return f"{field}{encoding}\r\n--{boundary}\r\n"


def _run(pieces: Iterable[Piece], boundary: str) -> Iterator[bytes]:
    edge = b""
    for one in pieces:
        edge = f"\r\n--{boundary}".encode()
        yield edge + b"\r\n"
        yield from _part(one)
    if edge:
        yield edge + b"--\r\n"


def _part(piece: Piece) -> tuple[bytes, bytes]:
    """Its fields with the empty line, and its body."""
    content = piece.read()
    kind, encoding = piece.media_type, "base64"
    if kind.startswith("message/"):
        # RFC 2046 section 5.2.1: a message is never base64. What is no text goes as mere octets.
        encoding = _bits(content)
        kind = kind if encoding else filename.UNKNOWN
    parameters = filename.type_name(piece.name)
    if kind.startswith("text/") and (charset := _charset(content)):
        parameters = f"; charset={charset}{parameters}"
    fields = [f"Content-Type: {kind}{parameters}"]
    fields.append(f"Content-Transfer-Encoding: {encoding or 'base64'}")
    placed = "attachment"
    if piece.cid:
        placed = "inline"
        fields.append(f"Content-ID: <{piece.cid}>")
    fields.append(f"Content-Disposition: {placed}{filename.filename(piece.name)}")
    head = "".join(f"{field}\r\n" for field in fields) + "\r\n"
    return head.encode("ascii"), content if encoding not in {"base64", ""} else base64(content)


def base64(content: bytes) -> bytes:
    """In lines, without a line end behind the last. By the stretch: half a million lines at once
    take more memory than the file."""
    return b"\r\n".join(
        [_lines(content[at : at + _STRETCH]) for at in range(0, len(content), _STRETCH)]
    )


def _lines(content: bytes) -> bytes:
    text = binascii.b2a_base64(content, newline=False)
    return b"\r\n".join([text[at : at + _LINE] for at in range(0, len(text), _LINE)])


def _bits(content: bytes) -> str:
    """`7bit` or `8bit` if a message may stand as it is, "" if not (RFC 2045 section 2.7 to 2.9)."""
    lines = content.split(b"\r\n")
    is_text = b"\x00" not in content and content.count(b"\r") == content.count(b"\n")
    if not is_text or content.count(b"\n") != len(lines) - 1:
        return ""
    if max(map(len, lines)) > _LONGEST_LINE:
        return ""
    return "7bit" if content.isascii() else "8bit"


def _charset(content: bytes) -> str:
    if content.isascii():
        return "us-ascii"
    try:
        content.decode()
    except UnicodeDecodeError:
        return ""
    return "utf-8"
