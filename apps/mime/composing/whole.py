"""A letter put together as a whole message: header, text and files. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from apps.mime.composing import letter, plain, tail
from apps.mime.composing.letter import Body, Heading
from apps.mime.composing.tail import Piece

DOCUMENT: Final = (
    '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n%s\n</body></html>\n'
)


def prefix(heading: Heading, text: str, html: str, files: bytes) -> bytes:
    """All of a message that stands before its files.

    Args:
        text: a line for a paragraph.
        html: a whole document, "" for none.
        files: the tail.
    """
    body = Body(plain.flowed(text) + "\n")
    if html:
        body = replace(body, html=html, boundary=_boundary(heading.message_id))
    return letter.header(heading) + tail.opening(files, body.media_type) + letter.text_part(body)


def whole(heading: Heading, text: str, html: str, pieces: Sequence[Piece], seed: str) -> bytes:
    """The whole message; all is encoded in memory.

    Args:
        seed: nobody who wrote any of it can know it: delimiters are made of it.
    """
    files = tail.build(pieces, seed)
    return prefix(heading, text, html, files) + files


def _boundary(seed: str) -> str:
    return hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:24]
