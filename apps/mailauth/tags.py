"""Tag lists, `v=1; a=rsa-sha256; b=...` (RFC 6376 section 3.2): of signatures and key records."""

import re
from typing import Final

SIZE_MAX: Final = 16 * 1024
TAGS_MAX: Final = 60
_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_]*+")
_WHITE: Final = re.compile(rb"[ \t\r\n]++")
# The value of b= in a signature, which its own hash leaves out (section 3.5).
_B_VALUE: Final = re.compile(rb"((?:\A|;)[ \t\r\n]*+b[ \t\r\n]*+=)[^;]*+")


class TagError(ValueError):
    """Not a tag list; the text is ours and quotes nothing."""


def parse(value: bytes) -> dict[str, bytes]:
    """Return tags with their values, white space at the ends removed.

    Raises:
        TagError: malformed, too long, or a tag stands twice.
    """
    if len(value) > SIZE_MAX:
        raise TagError("tag list is too long")
    pieces = value.split(b";", TAGS_MAX + 1)
    if len(pieces) > TAGS_MAX + 1:
        raise TagError("too many tags")
    if not pieces[-1].strip():
        pieces.pop()  # one semicolon may close the list
    tags: dict[str, bytes] = {}
    for piece in pieces:
        name, equals, content = piece.partition(b"=")
        name = name.strip()
        if not equals or not _NAME.fullmatch(name):
            raise TagError("malformed tag")
        key = name.decode()
        if key in tags:
            raise TagError("a tag stands twice")
        tags[key] = content.strip()
    return tags


def without_white(value: bytes) -> bytes:
    """A value without the white space that folding put into it."""
    return _WHITE.sub(b"", value)


def words(value: bytes) -> set[bytes]:
    """The words of a list `a:b:c`, lower case."""
    return {word.strip().lower() for word in value.split(b":")}


def without_b(value: bytes) -> bytes:
    """A signature field's value with nothing in its b= tag."""
    return _B_VALUE.sub(rb"\1", value, count=1)
