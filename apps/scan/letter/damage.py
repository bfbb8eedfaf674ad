"""What is broken about a message, in words. Pure; looks at a bounded number of places."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from apps.mime import tree
from apps.mime.charset import codec_for
from apps.mime.headers import FIELDS_MAX, HEADER_LIMIT, HeaderBlock
from apps.scan.letter.parts import UUENCODED_MAX, Part

DEPTH_USUAL: Final = 12  # levels; a forward of a forward of a signed message has eight
TEXTS_MAX: Final = 200  # text parts of which the words are read
LOOKED_AT: Final = 50  # text parts of which the make is looked at

_ONCE: Final = (  # RFC 5322 section 3.6, RFC 2045 section 4
    b"from",
    b"sender",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"content-type",
    b"content-transfer-encoding",
    b"mime-version",
)
_ENCODINGS: Final = frozenset(
    " 7bit 8bit binary base64 quoted-printable x-uuencode uuencode x-uue uue".split(" ")
)
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/=\s]")


def of_header(header: HeaderBlock) -> Iterator[str]:
    """What is broken about the header."""
    if not header.fields:
        yield "it has no header"
        return
    for name in _ONCE:
        count = header.count(name)
        if count > 1:
            yield f"it has {count} {name.decode().title()} fields"
    if b"\0" in header.raw[header.start : header.body_start]:
        yield "there are NUL octets in its header"


def of_tree(root: tree.Part) -> Iterator[str]:
    """What is broken about its structure."""
    _, depth, empty = _measure(root)
    if depth > DEPTH_USUAL:
        yield f"its parts are nested {depth} deep"
    if empty:
        yield "it says that it has several parts, and has none"


def beyond(header: HeaderBlock, root: tree.Part, parts: Sequence[Part]) -> Iterator[str]:
    """What was not looked at because a limit was reached: something may be hidden there."""
    count, depth, _ = _measure(root)
    if count >= tree.PARTS_MAX:
        yield f"it has {count} parts or more"
    if depth >= tree.DEPTH_MAX:
        yield f"its parts are nested {depth} deep or deeper"
    if header.is_cut:
        yield "its header is too large to be read whole"
    if sum("/" in part.path for part in parts) >= UUENCODED_MAX:
        yield f"{UUENCODED_MAX} files or more are uuencoded in its text"
    if sum(part.is_text for part in parts) > TEXTS_MAX:
        yield f"it has more than {TEXTS_MAX} text parts"
    for part in parts:
        if _is_cut(part):
            yield f"the header of part {part.path} is too large to be read whole"
            return


def _is_cut(part: Part) -> bool:
    """Whether fields of a part may have been left out, without reading them again."""
    size = part.body_start - part.header_start
    if size <= FIELDS_MAX:
        return False
    return (
        size > HEADER_LIMIT
        or part.raw.count(b"\n", part.header_start, part.body_start) > FIELDS_MAX
    )


def of_texts(texts: Sequence[Part]) -> Iterator[str]:
    """What is broken about its text parts."""
    for part in texts[:LOOKED_AT]:
        if part.encoding not in _ENCODINGS:
            yield f"part {part.path} has an unknown transfer encoding"
        if part.charset and not codec_for(part.charset) and part.charset.lower() not in _ASCII:
            yield f"part {part.path} has an unknown character set"
        head = part.raw[part.body_start : min(part.body_end, part.body_start + 4_096)]
        if part.encoding == "base64" and _NOT_BASE64.search(head):
            yield f"part {part.path} is said to be base64, and is not"
        if b"\0" in head and part.encoding != "binary" and "16" not in part.charset:
            yield f"there are NUL octets in part {part.path}"


_ASCII: Final = frozenset({"us-ascii", "ascii", "ansi_x3.4-1968"})


def _measure(root: tree.Part) -> tuple[int, int, bool]:
    """Parts, levels, and whether a multipart has none."""
    count = deepest = 0
    empty = False
    todo = [(root, 1)]
    while todo:
        part, depth = todo.pop()
        count += 1
        deepest = max(deepest, depth)
        empty = empty or part.is_unparted
        todo.extend((child, depth + 1) for child in part.children)
    return count, deepest, empty
