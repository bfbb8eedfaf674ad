"""What a reader sees of a message: delivery head + prefix + received bytes minus cuts. Pure.

Positions in `Message.parts`, `header_size` and everything else that is derived from a message count
from the start of the prefix: the delivery head differs from recipient to recipient, the derivation
is shared by all of them. So BODY[] of an entry is head + message, and section 1 of it lies at
`len(head) + offset`.
"""

from collections.abc import Iterator, Sequence
from enum import Enum

Cuts = Sequence[tuple[int, int]]


class Source(Enum):
    """Where a run of shown bytes comes from."""

    HEAD = 0
    PREFIX = 1
    BLOB = 2


def check_cuts(cuts: Cuts, size: int) -> tuple[tuple[int, int], ...]:
    """The cuts as kept. Raises ValueError unless they rise, do not touch each other's inside, and
    lie within the blob."""
    last = 0
    for start, end in cuts:
        if not last <= start < end <= size:
            raise ValueError(f"cut {start}-{end} after {last} in {size} bytes")
        last = end
    return tuple((start, end) for start, end in cuts)


def kept(cuts: Cuts, size: int) -> Iterator[tuple[int, int]]:
    """The runs of the blob that are shown, in order."""
    at = 0
    for start, end in cuts:
        if at < start:
            yield at, start
        at = end
    if at < size:
        yield at, size


def shown_size(prefix: int, cuts: Cuts, size: int) -> int:
    """Bytes of a message as shown, without head; `prefix` and `size` are lengths of prefix and
    blob."""
    return prefix + size - sum(end - start for start, end in cuts)


def trace(prefix: bytes) -> bytes:
    """What our doors wrote about a message as it came, of its prefix; b"" for a letter that was
    written here: its prefix is its own header and text, in which anybody says anything.

    A door writes fields, and at the most the empty line that a message without a header needs.
    """
    _fields, _empty, text = prefix.partition(b"\r\n\r\n")
    return b"" if text else prefix


def assemble(prefix: bytes, raw: bytes, cuts: Cuts) -> bytes:
    """The message as shown, without head. Copies nothing if there is nothing to hide or to add."""
    if not cuts:
        return prefix + raw if prefix else raw
    return prefix + b"".join([raw[start:end] for start, end in kept(cuts, len(raw))])


def runs(
    start: int, end: int, *, head: int, prefix: int, cuts: Cuts, size: int
) -> Iterator[tuple[Source, int, int]]:
    """The runs that make up the shown bytes from `start` to `end` (exclusive), head included.

    Args:
        head, prefix, size: lengths of delivery head, prefix and blob.
    """
    at = 0
    for source, first, last in _layout(head, prefix, cuts, size):
        low, high = max(start - at, 0), min(end - at, last - first)
        if low < high:
            yield source, first + low, first + high
        at += last - first
        if at >= end:
            return


def _layout(head: int, prefix: int, cuts: Cuts, size: int) -> Iterator[tuple[Source, int, int]]:
    yield Source.HEAD, 0, head
    yield Source.PREFIX, 0, prefix
    for first, last in kept(cuts, size):
        yield Source.BLOB, first, last
