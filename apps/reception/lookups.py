"""What the DNS says of a client's address: its reverse name, and the lists.

Remembered for a minute, so that a server which comes again costs neither a question nor a task.
"""

import time
from collections import OrderedDict
from typing import Final, Generic, TypeVar

from apps.mailauth import iprev
from apps.mailauth.types import Iprev, Result
from apps.reception.dnslists import DnsLists, Verdict
from apps.reception.networks import IPAddress
from apps.resolver.base import Resolver

SECONDS: Final = 60.0
UNSURE_SECONDS: Final = 2.0  # for what the DNS left open
MOST: Final = 10_000  # addresses

T = TypeVar("T")


class _Recent(Generic[T]):
    """Answers by address, for a while; the oldest makes room."""

    def __init__(self) -> None:
        self._found: OrderedDict[IPAddress, tuple[float, T]] = OrderedDict()

    def get(self, address: IPAddress) -> T | None:
        found = self._found.get(address)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def keep(self, address: IPAddress, answer: T, *, is_sure: bool) -> T:
        self._found.pop(address, None)
        seconds = SECONDS if is_sure else UNSURE_SECONDS
        self._found[address] = time.monotonic() + seconds, answer
        if len(self._found) > MOST:
            self._found.popitem(last=False)
        return answer


class LookUps:
    """Belongs to one event loop. Nothing here raises."""

    def __init__(self, resolver: Resolver, lists: DnsLists) -> None:
        self._resolver = resolver
        self._lists = lists
        self._names: _Recent[Iprev] = _Recent()
        self._verdicts: _Recent[Verdict] = _Recent()

    def known_name(self, address: IPAddress) -> Iprev | None:
        """The reverse name as it was found a moment ago."""
        return self._names.get(address)

    async def find_name(self, address: IPAddress) -> Iprev:
        """Ask for the reverse name, and whether it leads back."""
        found = await iprev.check(str(address), self._resolver)
        return self._names.keep(address, found, is_sure=found.result is not Result.TEMPERROR)

    def known_verdict(self, address: IPAddress) -> Verdict | None:
        """What the lists said a moment ago; without lists there is nothing to ask."""
        return self._verdicts.get(address) if self._lists else Verdict()

    async def find_verdict(self, address: IPAddress) -> Verdict:
        """Ask the lists."""
        found = await self._lists.ask(address)
        return self._verdicts.keep(address, found, is_sure=found.is_whole)

    async def reason(self, address: IPAddress, zone: str) -> str:
        """What a list says of an address that it lists."""
        return await self._lists.reason(address, zone)
