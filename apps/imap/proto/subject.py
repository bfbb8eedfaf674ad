"""The base subject (RFC 5256 section 2.1): what of a Subject field two mails of one conversation
have in common. Linear in the length of the subject, whatever stands in it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_BLANKS = re.compile(r"[ \t\r\n]+")
_FWD_TRAILER: Final = "(fwd)"
_FWD_HEADER: Final = "[fwd:"
_REFWD = re.compile(r"(?:re|fwd?) *+(?:\[[^\[\]]*+\] *+)?:", re.IGNORECASE)
_BLOB = re.compile(r"\[[^\[\]]*+\] *+")


class BaseSubject(NamedTuple):
    """text: as it was written, blanks joined. is_reply: whether something was taken away that says
    that the message is a reply or a forward."""

    text: str
    is_reply: bool


def base_subject(subject: str) -> BaseSubject:
    """Take what replies and forwards add from a decoded subject."""
    rest = _BLANKS.sub(" ", subject)  # step 1
    is_reply = False
    while True:
        rest, forwarded = _without_trailers(rest)
        rest, replied = _without_leaders(rest)
        is_reply |= forwarded or replied
        # Step 6: what is inside of [fwd: ...] is a subject again.
        if not (rest[:5].lower() == _FWD_HEADER and rest.endswith("]")):
            return BaseSubject(rest, is_reply)
        rest, is_reply = rest[5:-1], True


def _without_trailers(text: str) -> tuple[str, bool]:
    """Step 2: blanks and (fwd) at the end."""
    end, found = len(text), False
    while True:
        while end and text[end - 1] == " ":
            end -= 1
        if text[max(end - 5, 0) : end].lower() != _FWD_TRAILER:
            return text[:end], found
        end, found = end - 5, True


def _without_leaders(text: str) -> tuple[str, bool]:
    """Steps 3 to 5: blanks, Re: and Fwd: at the beginning, each with blobs before it, and blobs
    that something stands behind."""
    start, found = 0, False
    while True:
        while text.startswith(" ", start):
            start += 1
        behind = _behind_blobs(text, start)
        refwd = _REFWD.match(text, behind)
        if refwd is not None:
            start, found = refwd.end(), True
        elif behind > start and behind < len(text):
            # Blobs and no Re: behind them: each may go as long as a base remains.
            start = behind
        else:
            # A subject of nothing but blobs keeps the last of them.
            return text[_last_blob(text, start, behind) :], found


def _behind_blobs(text: str, start: int) -> int:
    while (blob := _BLOB.match(text, start)) is not None:
        start = blob.end()
    return start


def _last_blob(text: str, start: int, behind: int) -> int:
    while (blob := _BLOB.match(text, start)) is not None and blob.end() < behind:
        start = blob.end()
    return start
