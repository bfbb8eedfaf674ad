"""The first words of a message, for lists: plain text of at most `PREVIEW_MAX` characters.

Looks at a bounded piece of one part, so its cost does not grow with the message. The HTML reader
here only forgets tags; it is no sanitiser, and its result is text to be escaped like any other.
"""

from __future__ import annotations

import html
import re

from apps.mime import decode
from apps.mime.headers import clean
from apps.mime.tree import Part

PREVIEW_MAX = 200  # Characters kept.
PLAIN_LOOK = 4 * 1024  # Encoded octets looked at: quoted lines may stand first.
HTML_LOOK = 32 * 1024  # Encoded octets looked at: style sheets stand first.
_FOLD_LOOK = 1_000  # Characters looked at for those; the rest is white space and rules at most.

_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_SIGNATURE = re.compile(r"^-- \r?$", re.MULTILINE)
_RULES = re.compile(r"[-_=*~#]{4,}")
_TAG = re.compile(r"<[^<>]*+>")
_HIDDEN = re.compile(r"<(style|script|head|title|!--)", re.IGNORECASE)
# html.unescape makes an int of any number of digits, which Python refuses from 4,300 on.
_LONG_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{8,};?")
# What mailers put first so that nothing else shows in previews: invisible characters.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2060\u2800]+"
)


def preview(root: Part, raw: bytes) -> str:
    """Return the beginning of the first text/plain part, else of the first text/html part."""
    if root.is_unparted:
        return _plain(decode.text_of(root, raw, limit=PLAIN_LOOK))
    fallback: Part | None = None
    for part in root.walk() if root.children else (root,):
        if part.type != b"text" or part.disposition == b"attachment":
            continue
        if part.subtype == b"html":
            fallback = fallback or part
        elif part.subtype == b"plain":
            found = _plain(decode.text_of(part, raw, limit=PLAIN_LOOK))
            if found:
                return found
    if fallback is None:
        return ""
    return _fold(strip_tags(decode.text_of(fallback, raw, limit=HTML_LOOK)))


def _plain(text: str) -> str:
    if ">" in text:
        text = _QUOTED_LINE.sub("", text)
    if "\n-- " in text and (signature := _SIGNATURE.search(text)) is not None:
        text = text[: signature.start()]
    return _fold(text)


def _fold(text: str) -> str:
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    text = " ".join(_RULES.sub(" ", text.lstrip()[:_FOLD_LOOK]).split())
    return clean(text[:PREVIEW_MAX])


def strip_tags(source: str) -> str:
    """Return what is left of HTML without tags and without what browsers do not show."""
    source = _TAG.sub(" ", _without_hidden(source))
    return html.unescape(_LONG_REFERENCE.sub("", source))


def _without_hidden(source: str) -> str:
    """Cut out style, script, head, title and comments; an unclosed one hides all that follows."""
    kept: list[str] = []
    lowered = source.lower()
    at = 0
    while (found := _HIDDEN.search(source, at)) is not None:
        kept.append(source[at : found.start()])
        name = found[1].lower()
        closing = "--" if name == "!--" else f"</{name}"
        end = lowered.find(closing, found.end()) if len(lowered) == len(source) else -1
        end = source.find(">", end) if end >= 0 else -1
        if end < 0:
            return "".join(kept)
        at = end + 1
    kept.append(source[at:])
    return "".join(kept)
