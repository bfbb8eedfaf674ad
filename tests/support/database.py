"""A database that goes away and comes back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.db import OperationalError
from django.db.backends.utils import CursorWrapper

Switch = Callable[[bool], None]


@contextmanager
def breakable() -> Iterator[Switch]:
    """Yields a switch: while it is on, each statement of every thread fails as the driver's do when
    the server is away."""
    usual = CursorWrapper._execute  # type: ignore[attr-defined]
    gone = [False]

    def execute(self: CursorWrapper, *arguments: object) -> object:
        if gone[0]:
            raise OperationalError("server closed the connection unexpectedly")
        return usual(self, *arguments)

    with patch.object(CursorWrapper, "_execute", execute):
        yield lambda on: gone.__setitem__(0, on)
