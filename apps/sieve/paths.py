"""Whose a reverse-path is, where it changes from day to day. Pure.

BATV and SRS write a signature or a day into the path; who is remembered by the whole of it would be
told of an absence every day.
"""

import re
from typing import Final

from apps.mime.address import Address, AddressError

_SIGNED: Final = re.compile(r"(?:prvs=[0-9a-z]{4,20}=|btv1==[^=]{1,20}==)(.+)", re.IGNORECASE)
_REWRITTEN: Final = re.compile(r"SRS0[=+-][^=]+=[^=]+=([^=]+)=(.+)", re.IGNORECASE)


def person(path: Address) -> Address:
    """The address behind a path; the path itself if it is nobody's but its own."""
    if found := _SIGNED.fullmatch(path.local):
        return _built(found[1], path.domain) or path
    if found := _REWRITTEN.fullmatch(path.local):
        return _built(found[2], found[1]) or path
    return path


def _built(local: str, domain: str) -> Address | None:
    try:
        return Address.build(local, domain)
    except AddressError:
        return None
