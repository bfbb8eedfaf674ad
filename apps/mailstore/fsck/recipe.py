"""How a message is put together (prefix, cuts), found again when it is damaged. Pure.

Three columns say the same of what is shown before and within the received bytes: `prefix` and
`cuts` say how it is made, `header` keeps what comes out, `size` how long that is. Where header and
size agree with each other and not with the other two, these are the damaged ones: to derive header
and size anew from them would show what was cut (Bcc), or show it without its trace fields.
"""

import json
import re
from typing import Final, NamedTuple

from apps.mailstore.shown import assemble, check_cuts
from apps.mime.headers import scan

_FIELDS: Final = re.compile(rb"(?:[!-9;-~]+:[\t\x20-\xff]*\r\n(?:[ \t][\t\x20-\xff]*\r\n)*)*")


class Recipe(NamedTuple):
    """Our own trace fields, and the ranges of the received bytes that are not shown."""

    prefix: bytes
    cuts: tuple[tuple[int, int], ...]

    def shown(self, raw: bytes) -> bytes:
        """The message as shown, without delivery head."""
        return assemble(self.prefix, raw, self.cuts)


def read(prefix: object, cuts: object, size: int) -> Recipe | None:
    """The recipe as kept, for `size` received bytes; None if it is none."""
    if not isinstance(prefix, bytes) or not isinstance(cuts, str):
        return None
    try:
        pairs = [(start, end) for start, end in json.loads(cuts)]
        if not all(type(place) is int for pair in pairs for place in pair):
            return None
        return Recipe(prefix, check_cuts(pairs, size))
    except (ValueError, TypeError, RecursionError):
        return None


def is_whole(prefix: bytes) -> bool:
    """Whether these are header fields and nothing else."""
    return _FIELDS.fullmatch(prefix) is not None


def found(
    raw: bytes, kept: Recipe | None, prefix: object, header: bytes, size: int
) -> Recipe | None:
    """The recipe that makes of the received bytes what header and size say; None if there is none
    that differs from what is kept in one of the two only.

    Args:
        kept: what is kept, if it is a recipe at all; prefix: what is kept of that.
    """
    if not header:
        return None
    candidates = [_other_prefix(raw, kept.cuts if kept else (), header)]
    if isinstance(prefix, bytes):
        candidates.append(_other_cuts(raw, prefix, header))
    for one in candidates:
        if one is not None and is_whole(one.prefix):
            shown = one.shown(raw)
            if len(shown) == size and shown.startswith(header):
                return one
    return None


def _other_prefix(raw: bytes, cuts: tuple[tuple[int, int], ...], header: bytes) -> Recipe | None:
    """The cuts are right: what the header has before the received fields is the prefix."""
    received = assemble(b"", raw, cuts)
    received = received[: scan(received).body_start]
    if not header.endswith(received):
        return None
    return Recipe(header[: len(header) - len(received)], cuts)


def _other_cuts(raw: bytes, prefix: bytes, header: bytes) -> Recipe | None:
    """The prefix is right: the received lines that the header has not were cut."""
    if not header.startswith(prefix):
        return None
    wanted = header[len(prefix) :].splitlines(keepends=True)
    cuts: list[tuple[int, int]] = []
    at = seen = 0
    for line in raw[: scan(raw).body_start].splitlines(keepends=True):
        if seen < len(wanted) and line == wanted[seen]:
            seen += 1
        elif cuts and cuts[-1][1] == at:
            cuts[-1] = (cuts[-1][0], at + len(line))
        else:
            cuts.append((at, at + len(line)))
        at += len(line)
    return Recipe(prefix, tuple(cuts)) if seen == len(wanted) else None
