"""Files that an HTML or SVG page carries in itself: `data:` addresses, and base64 for a script.

"HTML smuggling": the page is harmless to look at, and its script puts a file together that the
browser then saves as if it had been downloaded.
"""

import binascii
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from apps.mime.decode import base64
from apps.scan.attachments.budget import Budget, TooMuch
from apps.scan.attachments.member import CARRIED, Member

# In one piece, or in lines, which a script may join: "AAAA" + "BBBB".
_RUN = re.compile(rb"[A-Za-z0-9+/]{40,}+(?:[\s\"'+\\]{1,40}+[A-Za-z0-9+/]{4,}+)*+={0,2}")
_LEAST: Final = 80  # characters of base64 that may be a file
_JOINT = re.compile(rb"[\"']\s*+\+?\s*+[\"']|\\?\s++")
_PLAIN_DATA = re.compile(
    rb"data:[a-z]{1,20}/[a-z0-9.+-]{1,60}(?:;charset=[a-z0-9-]{1,20})?,([^\"'<> ]{20,})", re.I
)
_NAME = re.compile(
    rb"(?:download|saveas|filename|fileName)\s{0,9}[=:(,]\s{0,9}[\"']([^\"'<>]{1,120})[\"']"
)
# Each pattern ends in what cannot fail, so that nothing is tried again from its middle.
_LETTERS = re.compile(rb"\d{1,3}(?:\s{0,2},\s{0,2}\d{1,3}){60,}+")
_FILES_MOST: Final = 200


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What the page could make files of."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data[2:].replace(b"\x00", b"")
    named = _NAME.search(data)
    name = named[1].decode("utf-8", "replace") if named else ""
    for found, content in enumerate(_contents(data)):
        if found >= _FILES_MOST:
            raise TooMuch(f"more than {_FILES_MOST} files in one page")
        budget.count()
        budget.spend(len(content))
        yield Member(name, content, marks=(CARRIED,))


def _contents(data: bytes) -> Iterator[bytes]:
    for run in _RUN.finditer(data):
        if len(run[0]) >= _LEAST:
            yield base64(_JOINT.sub(b"", run[0]))
    for text in _PLAIN_DATA.finditer(data):
        yield unquote_to_bytes(text[1])
    for numbers in _LETTERS.finditer(data):
        try:
            yield bytes(int(number) for number in numbers[0].split(b","))
        except (ValueError, binascii.Error):
            continue
