"""A message as it is sent to a client that has not asked for UTF-8 (RFC 6856 sections 2.1 and 4).

Header fields in UTF-8 are replaced by what `apps.mime.surrogate` makes of them; everything else is
read from the store, piece by piece. A client that says UTF8 gets the message itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apps.mailstore.queries import Shown
from apps.mime.surrogate import Edit, mask, surrogate_edits


@dataclass(frozen=True, slots=True)
class _Run:
    """Octets of the surrogate from `at` on: `text`, or those of the message from `start` on."""

    at: int
    size: int
    start: int
    text: bytes | None


class Surrogate:
    """`shown` with edits made; its delivery head, where nothing can be said in ASCII, masked."""

    def __init__(self, shown: Shown, edits: Sequence[Edit]) -> None:
        self._shown = shown
        self._runs = list(_runs(shown, edits))
        self.size = sum(run.size for run in self._runs)
        shift = sum(
            len(edit.text) - (edit.end - edit.start)
            for edit in edits
            if len(shown.head) + edit.end <= shown.header_size
        )
        self.header_size = shown.header_size + shift

    def part(self, start: int, end: int) -> bytes:
        """Octets `start` to `end` (exclusive), cut to what there is. Raises Damaged."""
        runs = [run for run in self._runs if run.at < end and start < run.at + run.size]
        kept = [run for run in runs if run.text is None]
        # One read for all runs: a store that keeps the message compressed opens it once.
        base = max(kept[0].start, kept[0].start + start - kept[0].at) if kept else 0
        top = min(kept[-1].size, end - kept[-1].at) + kept[-1].start if kept else 0
        raw = self._shown.part(base, top) if kept else b""
        pieces = []
        for run in runs:
            low, high = max(start - run.at, 0), min(end - run.at, run.size)
            if run.text is not None:
                pieces.append(run.text[low:high])
            else:
                pieces.append(raw[run.start + low - base : run.start + high - base])
        return b"".join(pieces)


def surrogate(shown: Shown, parts: bytes) -> Surrogate | Shown:
    """Return the surrogate of a message, or the message where it needs none. Raises Damaged.

    Args:
        parts: its column of that name; empty if its header is known to be ASCII.
    """
    base = len(shown.head)
    edits: Sequence[Edit] = ()
    if parts:

        def read(start: int, end: int) -> bytes:
            return shown.part(base + start, base + end)

        edits = surrogate_edits(read, shown.size - base, parts)
    return Surrogate(shown, edits) if edits or not shown.head.isascii() else shown


def _runs(shown: Shown, edits: Sequence[Edit]) -> Iterator[_Run]:
    base = source = len(shown.head)
    yield _Run(0, base, 0, mask(shown.head))
    at = base
    for edit in edits:
        size = base + edit.start - source
        yield _Run(at, size, source, None)
        at += size
        yield _Run(at, len(edit.text), 0, edit.text)
        at += len(edit.text)
        source = base + edit.end
    yield _Run(at, shown.size - source, source, None)
