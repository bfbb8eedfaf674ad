"""The public keys that the signatures of a message name: asked of the DNS all at once, read once.

A name may have several records, although RFC 6376 section 3.6.2.2 leaves open what they mean:
leftovers of a key change, or a wildcard that answers for everything. Each that is a key may be the
one. What the DNS does not say in time is not known, which is another thing than not being there.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from apps.mailauth.keys import KeyRecordError, PublicKey, parse_record
from apps.resolver.base import DnsError, DnsUnavailableError, Resolver

SECONDS: Final = 8.0  # a resolver gives up earlier; this is for one that does not
RECORDS_MAX: Final = 16  # of one name that are looked at, in whatever order they come
KEYS_MAX: Final = 4  # among them that are tried

# What the DNS said of each name: its TXT records, () if there is none, None if nobody answered.
Records = Mapping[str, tuple[bytes, ...] | None]


async def look_up(
    names: Iterable[str], resolver: Resolver, *, seconds: float = SECONDS
) -> dict[str, tuple[bytes, ...] | None]:
    """Ask for the TXT records of all names at once; a slow one keeps no other from being known."""
    asked = {name: asyncio.create_task(_records(name, resolver)) for name in sorted(set(names))}
    if not asked:
        return {}
    try:
        _, late = await asyncio.wait(asked.values(), timeout=seconds)
    finally:
        for task in asked.values():
            task.cancel()  # nothing to those that are done
    return {name: None if task in late else task.result() for name, task in asked.items()}


async def _records(name: str, resolver: Resolver) -> tuple[bytes, ...] | None:
    try:
        answer = await resolver.txt(name)
    except DnsUnavailableError:
        return None
    except DnsError:
        return ()
    return answer.records


class Keyring:
    """Public keys by the names of their records."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._keys: dict[str, tuple[PublicKey, ...]] = {}

    def is_known(self, name: str) -> bool:
        """Whether the DNS said anything of this name."""
        return self._records.get(name) is not None

    def get(self, name: str) -> tuple[PublicKey, ...]:
        """Return the keys under a name, at least one.

        Raises:
            KeyRecordError: there is none, or none that can be used.
        """
        if name not in self._keys:
            self._keys[name] = _read(self._records.get(name) or ())
        return self._keys[name]


def _read(records: tuple[bytes, ...]) -> tuple[PublicKey, ...]:
    keys: list[PublicKey] = []
    problem = KeyRecordError("has no key in the DNS")
    for record in records[:RECORDS_MAX]:
        try:
            keys.append(parse_record(record))
        except KeyRecordError as error:
            problem = error
    if not keys:
        raise problem
    return tuple(keys[:KEYS_MAX])
