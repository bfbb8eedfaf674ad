"""What an object store promises.

Objects are written once under a key of lower-case hexadecimal digits and never changed. All methods
are safe to call from many threads. Failures are `StorageFull` or `StorageUnavailable`; an object
that is not there is `MissingObjectError`, which is no failure of the store but damage of ours.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol


class MissingObjectError(Exception):
    """No object has this key."""


class Backend(Protocol):
    """A place for objects."""

    def write(self, key: str, data: bytes) -> None:
        """Store an object; when this returns it survives a power failure."""

    def read(self, key: str, start: int, end: int) -> bytes:
        """Bytes `start` to `end` (exclusive); fewer if the object is shorter. Raises
        MissingObjectError."""

    def has_any(self) -> bool:
        """Whether there may be objects; not where the disk of them is not mounted."""

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error."""

    def walk(self, prefix: str) -> Iterator[tuple[str, float]]:
        """(key, Unix time of writing) of each object whose key begins with the two digits `prefix`,
        and of each leftover of a write that was cut off. `remove` takes both kinds of key."""
