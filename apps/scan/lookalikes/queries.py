"""Whom a forger might imitate to a reader: the domains of the reader's organisation, and those that
the reader writes to. Read for a whole batch at once, and remembered for a minute in each process.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Final

from apps.mime.address import take_apart
from apps.reception.queries import newest_of
from apps.runtime.rows import among, fetch, listed
from apps.scan.lookalikes.names import Names

SECONDS: Final = 60.0
MOST: Final = 300  # readers, and organisations, that are remembered at the same time
NEWEST: Final = 200  # correspondents of a reader that are looked at

_OURS = "SELECT organization_id, name FROM directory_domain WHERE "


class Remembered:
    """Names by somebody's number, for a while. Threads may share it: at worst both ask."""

    def __init__(self, ask: Callable[[list[int]], Mapping[int, Names]]) -> None:
        self._ask = ask
        self._found: OrderedDict[int, tuple[float, Names]] = OrderedDict()

    def of(self, numbers: Collection[int]) -> dict[int, Names]:
        """The names of each; one statement for all that are not known."""
        now = time.monotonic()
        found = {}
        for number in set(numbers):
            known = self._found.get(number)
            if known is not None and known[0] > now:
                found[number] = known[1]
        missing = sorted(set(numbers) - set(found))
        if missing:
            asked = self._ask(missing)
            found |= {number: asked.get(number, _NONE) for number in missing}
            self._keep({number: found[number] for number in missing}, now + SECONDS)
        return found

    def forget(self) -> None:
        """Ask anew."""
        self._found.clear()

    def _keep(self, names: Mapping[int, Names], until: float) -> None:
        for number, one in names.items():
            self._found.pop(number, None)
            self._found[number] = until, one
        while len(self._found) > MOST:
            self._found.popitem(last=False)


_NONE: Final = Names(())


def _ours(organizations: list[int]) -> dict[int, Names]:
    rows = fetch(_OURS + among("organization_id") + " ORDER BY id", [listed(organizations)])
    return {number: Names(names) for number, names in _grouped(rows).items()}


def _correspondents(users: list[int]) -> dict[int, Names]:
    rows = [(user, take_apart(one)[1]) for user, one in newest_of(users, limit=NEWEST)]
    return {number: Names(names) for number, names in _grouped(rows).items()}


def _grouped(rows: Collection[tuple[int, ...] | tuple[int, str]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for number, name in rows:
        found.setdefault(number, []).append(str(name))
    return found


OURS: Final = Remembered(_ours)
CORRESPONDENTS: Final = Remembered(_correspondents)


def forget() -> None:
    """Ask anew: for tests, whose databases do not last."""
    OURS.forget()
    CORRESPONDENTS.forget()
