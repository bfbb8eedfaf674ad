"""What a file of a letter is called, and what it says that it is. Pure.

Names come from a person's disk, from mail of strangers, and from scripts: none of them brings a
path, a line end, a character that turns the line round, or a type that is none.
"""

import re
import unicodedata
from typing import Final

from apps.mime.headers import clean

LONGEST: Final = 200  # characters of a name
UNKNOWN: Final = "application/octet-stream"

_ENDING: Final = 20  # characters of an ending that stays when a name is cut
# They turn the direction of what follows, or are not seen: "gpj.exe" would read as "exe.jpg".
_HIDDEN: Final = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_QUOTED: Final = re.compile(r'["\\]')
# What may stand in quotes. "=?" may not: readers take it for an encoded word, though it is none
# there (RFC 2047 section 5), and would show another name than the one that was looked at.
_PLAIN: Final = re.compile(r"(?!.*=\?)[ -~]*")
# RFC 5987 section 3.2.1: attr-char.
_ATTRIBUTE: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~"
)
_PIECE: Final = 54  # columns of a piece of a name, so that its line stays under 78


def normal(name: str, *, otherwise: str = "file") -> str:
    """The last component of a name, without what is not seen; `otherwise` if nothing is left."""
    whole = unicodedata.normalize("NFC", name[-8 * LONGEST :].encode("utf-8", "replace").decode())
    last = clean(_HIDDEN.sub("", clean(whole))).replace("\\", "/").rpartition("/")[2].strip(" .")
    return _cut(last) or otherwise


def normal_type(media_type: str) -> str:
    """A type in lower case, without parameters; `UNKNOWN` for what is none, and for what a part
    with a transfer encoding may not be (RFC 2046 sections 5.1 and 5.2)."""
    kind = media_type[:200].partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(kind) or kind.startswith(("multipart/", "message/")):
        return "message/rfc822" if kind == "message/rfc822" else UNKNOWN
    return kind


def filename(name: str) -> str:
    """The `filename` parameter, each piece on a line of its own, with the ";" before it.

    Text beyond ASCII is percent-encoded, a long one in several pieces (RFC 2231 sections 3 and 4).
    """
    if _PLAIN.fullmatch(name):
        return f';\r\n filename="{_quoted(name)}"'
    pieces = _pieces(name)
    if len(pieces) == 1:
        return f";\r\n filename*=utf-8''{pieces[0]}"
    first = f";\r\n filename*0*=utf-8''{pieces[0]}"
    return first + "".join(
        f";\r\n filename*{number}*={piece}" for number, piece in enumerate(pieces[1:], 1)
    )


def type_name(name: str) -> str:
    """The `name` parameter of Content-Type, for programs that look there alone; "" for a name
    that only encoded words could say: they may not stand there (RFC 2047 section 5)."""
    return f';\r\n name="{_quoted(name)}"' if _PLAIN.fullmatch(name) else ""


def _quoted(name: str) -> str:
    return _QUOTED.sub(r"\\\g<0>", name)


def _pieces(name: str) -> list[str]:
    """Percent-encoded, cut between characters: a program may decode each piece by itself."""
    pieces, piece = [], ""
    for sign in name:
        octets = sign.encode()
        coded = "".join(chr(one) if one in _ATTRIBUTE else f"%{one:02X}" for one in octets)
        if len(piece) + len(coded) > _PIECE:
            pieces.append(piece)
            piece = ""
        piece += coded
    return [*pieces, piece]


def _cut(name: str) -> str:
    if len(name) <= LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    if not (dot and stem) or len(ending) > _ENDING:
        return name[:LONGEST].strip(" .")
    return f"{stem[: LONGEST - len(ending) - 1].strip(' .')}.{ending}"
