"""The operations whose bodies may be larger than those of all others."""

import re
from typing import Final

from django.conf import settings

BULK: Final = 32 * 1024 * 1024  # octets of many lines

_LINES: Final = re.compile(r"/api/v1/[a-z-]+/bulk")
_RAW: Final = re.compile(r"/api/v1/(?:mailboxes/\d{1,18}/messages|submissions/raw)")
_LETTER: Final = re.compile(r"/api/v1/submissions")
_HEAD: Final = 1024 * 1024  # octets of a letter beside its files


def most(method: str, path: str) -> int:
    """Octets that the body may have; 0 if it is none of these."""
    if method != "POST":
        return 0
    if _LINES.fullmatch(path):
        return BULK
    if _RAW.fullmatch(path):
        return int(settings.MESSAGE_SIZE_LIMIT)
    if _LETTER.fullmatch(path):
        # Files are written in base64, three octets in four characters.
        return int(settings.MESSAGE_SIZE_LIMIT) * 4 // 3 + _HEAD
    return 0
