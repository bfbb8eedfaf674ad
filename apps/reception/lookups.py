"""What the DNS says of a client: the reverse name of its address, the lists, the name in HELO.

Remembered for a minute, so that a server which comes again costs neither a question nor a task.
"""

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

from apps.mailauth import iprev
from apps.mailauth.types import Iprev, Result
from apps.reception import hello
from apps.reception.dnslists import DnsLists, Verdict
from apps.resolver.base import IPAddress, Resolver

SECONDS: Final = 60.0
UNSURE_SECONDS: Final = 2.0  # for what the DNS left open
MOST: Final = 10_000  # answers of a kind

T = TypeVar("T")


class _Recent(Generic[T]):
    """Answers for a while; the oldest makes room."""

    def __init__(self) -> None:
        self._found: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        found = self._found.get(key)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def keep(self, key: Hashable, answer: T, *, is_sure: bool) -> T:
        self._found.pop(key, None)
        seconds = SECONDS if is_sure else UNSURE_SECONDS
        self._found[key] = time.monotonic() + seconds, answer
        if len(self._found) > MOST:
            self._found.popitem(last=False)
        return answer


class LookUps:
    """Belongs to one event loop. Nothing here raises."""

    def __init__(self, lists: DnsLists) -> None:
        self._lists = lists
        self._names: _Recent[Iprev] = _Recent()
        self._verdicts: _Recent[Verdict] = _Recent()
        self._hosts: _Recent[hello.Existence] = _Recent()

    def known_name(self, address: IPAddress) -> Iprev | None:
        """The reverse name as it was found a moment ago."""
        return self._names.get(address)

    async def find_name(self, address: IPAddress, resolver: Resolver) -> Iprev:
        """Ask for the reverse name, and whether it leads back."""
        found = await iprev.check(str(address), resolver)
        return self._names.keep(address, found, is_sure=found.result is not Result.TEMPERROR)

    def known_verdict(self, address: IPAddress) -> Verdict | None:
        """What the lists said a moment ago; without lists there is nothing to ask."""
        return self._verdicts.get(address) if self._lists else Verdict()

    async def find_verdict(self, address: IPAddress) -> Verdict:
        """Ask the lists."""
        found = await self._lists.ask(address)
        return self._verdicts.keep(address, found, is_sure=found.is_whole)

    def known_host(self, host: str) -> hello.Existence | None:
        """Whether a name exists, as it was found a moment ago."""
        return self._hosts.get(host)

    async def find_host(self, host: str, resolver: Resolver) -> hello.Existence:
        """Ask whether a name exists."""
        found = await hello.exists(host, resolver)
        return self._hosts.keep(host, found, is_sure=found is not hello.Existence.UNSURE)

    async def reason(self, address: IPAddress, zone: str) -> str:
        """What a list says of an address that it lists."""
        return await self._lists.reason(address, zone)
