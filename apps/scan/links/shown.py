"""The address that the words of a link show, which is where people think that it leads. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from apps.mailauth.suffixes import has_known_ending, is_public
from apps.scan.urls import WEB, Url, read

LONGEST: Final = 500

_LOOSE = re.compile(r"(?:https?:[/\\]{2}|www\.)[^\s<>\"'()\[\]{}]+", re.IGNORECASE)
_BARE = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}(?:[/?#][^\s]*)?")
_AROUND: Final = " \t\r\n.,;:!?\u2026\u00bb\u00ab\u201c\u201d\"'()[]<>\u2190\u2192\u203a"
_INVISIBLE = re.compile("[\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")

# Endings that are files, programs or words more often than domains in the words of a link.
_FILES: Final = frozenset(
    "ai app bat bz cab cc cfg csv dev dll doc docx exe gz htm html ics io jar java jpeg jpg"
    " js json md mov mp mp3 mp4 odt pdf php pl png pptx ps py rs sh so tar tex txt vi xls"
    " xlsx xml yaml zip".split()
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the words of a link show.

    Args:
        is_name: a bare name, which may be that of a firm or a thing: Booking.com, ASP.NET.
    """

    url: Url
    is_name: bool


@lru_cache(maxsize=1_024)
def shown(text: str) -> Shown | None:
    """The web address that the words of a link show; None if they show none.

    A name without `https://` or `www.` counts if it is all that is shown: "amazon.com" is a place,
    "see amazon.com and others" a sentence.
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[:LONGEST])).strip(_AROUND)
    loose = _LOOSE.search(text)
    if loose is not None:
        url = _web(loose[0].rstrip(_AROUND))
        return None if url is None else Shown(url, is_name=False)
    bare = _BARE.fullmatch(text)
    url = _web(f"http://{text}") if bare else None
    if url is None or url.address is not None or not _is_name(url.host):
        return None
    return Shown(url, is_name="/" not in text)


def _web(text: str) -> Url | None:
    url = read(text)
    return url if url is not None and url.scheme in WEB and "." in url.host else None


def _is_name(host: str) -> bool:
    """Whether it is surely a domain: somebody can have registered it, and it is no file."""
    ending = host.rpartition(".")[2]
    if ending in _FILES:
        return False
    return has_known_ending(host) and not is_public(host)
