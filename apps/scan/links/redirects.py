"""Where a link leads on to: the addresses that it carries for another server to send people to.

Pure. Trackers, gateways that rewrite links, and open redirectors carry the target in the link:
`?url=https%3A%2F%2Fexample.org`, `/https://example.org/`, base64. Such targets are read as links of
their own; what a server keeps to itself (a shortener) stays unknown, for nothing is fetched.
"""

import base64
import binascii
import re
from typing import Final
from urllib.parse import unquote

from apps.scan.urls import WEB, Url, read

DEPTH: Final = 3  # a redirector inside a redirector inside one
MOST: Final = 8  # targets of one link
ROUNDS: Final = 3  # of percent-encoding around each other
LONGEST: Final = 4_000  # characters of what follows a host

_PIECES = re.compile(r"[?&#;=,]")
_INSIDE = re.compile(r"https?:[/\\]{1,2}", re.IGNORECASE)
_CODED = re.compile(r"aHR0c[A-Za-z0-9+_-]{4,2000}")  # "http" in base64, up to a slash
# Proofpoint's first form writes a link as https-3A__www.example.org_path.
_DASHED = re.compile(r"(https?)-3[aA]__([A-Za-z0-9.-]{1,253})")


def targets(url: Url) -> list[Url]:
    """The links that a link carries, outermost first, at most `MOST`."""
    found: dict[Url, None] = {}
    fresh = [url]
    for _ in range(DEPTH):
        fresh = [one for outer in fresh for one in _carried(outer) if one not in found]
        found.update(dict.fromkeys(fresh[:MOST]))
        if not fresh or len(found) >= MOST:
            break
    return list(found)[:MOST]


def _carried(url: Url) -> list[Url]:
    if url.scheme not in WEB or len(url.rest) < 8:
        return []
    found = []
    for text in _texts(url.rest[:LONGEST]):
        one = read(text)
        if one is not None and one.scheme in WEB and one.host != url.host:
            found.append(one)
            if len(found) >= MOST:
                break
    return found


def _texts(rest: str) -> list[str]:
    """What may be a link, in what follows a host: whole, so that its own parameters stay with
    it."""
    found = [f"{scheme}://{host}" for scheme, host in _DASHED.findall(rest)]
    found += [text for code in _CODED.findall(rest) if (text := _decoded(code))]
    for _ in range(ROUNDS):
        found += [rest[one.start() :] for one in _INSIDE.finditer(rest)][:MOST]
        found += [piece for piece in _PIECES.split(rest)[:50] if piece.startswith(("//", "www."))]
        plain = unquote(rest, errors="replace")
        if plain == rest:
            break
        rest = plain
    return found


def _decoded(code: str) -> str:
    code = code.translate(_STANDARD)
    code = code[: len(code) - (len(code) % 4 == 1)]
    try:
        return base64.b64decode(code + "=" * (-len(code) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


_STANDARD: Final = str.maketrans("-_", "+/")
