"""What DNS lists say of an address or a domain (RFC 5782): block lists with weights, allow lists.

All lists are asked at once, each has a deadline, and one that is late or away says nothing. A list
is not believed when it answers outside 127.0.0.0/8 (its zone was parked), with 127.255.255.x (it
does not talk to us: too many questions, or through a public name server), or when it lists
127.0.0.1 or the domain INVALID, as lists do that have been given up and list the whole world
(RFC 5782 section 5). One
that was silent several times in a row is hardly waited for, but once a minute, to see whether it is
back: it would hold up everybody. Each of that is told to the log once an hour.
"""

import asyncio
import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from apps.reception.listform import ListForm
from apps.resolver.base import DnsError, DnsUnavailableError, IPAddress, Resolver
from apps.runtime.seldom import Seldom

logger = logging.getLogger(__name__)

SECONDS: Final = 5.0  # for one list to answer
TEXT_SECONDS: Final = 2.0  # for its reason
LONGEST_TEXT: Final = 200  # characters of it
SILENT: Final = 3  # questions in a row without an answer, until a list is hardly waited for
SILENT_SECONDS: Final = 0.2  # for such a one
PROBE_SECONDS: Final = 60.0  # between two times that it is waited for all the same

_NEVER_LISTED: Final = {"1.0.0.127": "127.0.0.1", "invalid": "the domain INVALID"}
_REFUSALS: Final = IPv4Network("127.255.255.0/24")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
_BLANKS = re.compile(r" {2,}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the lists say.

    Args:
        score: of all block lists together.
        listed: zones of block lists that list it, those with the greatest weight first.
        allowed: zones of allow lists that do.
        is_whole: every list answered.
        weights: of each list in `listed`.
    """

    score: int = 0
    listed: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    is_whole: bool = True
    weights: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(slots=True)
class _Patience:
    """How long to wait for one list."""

    seconds: float
    silences: int = 0
    probe_at: float = 0.0

    def take(self) -> float:
        """The seconds for the next question."""
        now = time.monotonic()
        if self.silences < SILENT:
            return self.seconds
        if now < self.probe_at:
            return min(SILENT_SECONDS, self.seconds)
        self.probe_at = now + PROBE_SECONDS
        return self.seconds

    def lost(self) -> bool:
        """It was silent; whether it is given up now."""
        self.silences += 1
        if self.silences == SILENT:
            self.probe_at = time.monotonic() + PROBE_SECONDS
        return self.silences >= SILENT


class DnsLists:
    """The lists of one installation. Belongs to one event loop."""

    def __init__(
        self,
        resolver: Resolver,
        block: Iterable[ListForm] = (),
        allow: Iterable[ListForm] = (),
        *,
        seconds: float = SECONDS,
    ) -> None:
        self._resolver = resolver
        self._block, self._allow = _by_zone(block), _by_zone(allow)
        self._zones = tuple(dict.fromkeys([*self._block, *self._allow]))
        self._patience = {zone: _Patience(seconds) for zone in self._zones}
        self._seldom = Seldom(logger, 3_600.0)

    def __bool__(self) -> bool:
        return bool(self._zones)

    async def ask(self, address: IPAddress) -> Verdict:
        """Ask every list. Never raises."""
        return await self._ask(_backwards(address), "1.0.0.127")

    async def ask_name(self, domain: str) -> Verdict:
        """The same about a domain, for lists of domains (section 2.1 of RFC 5782).

        Args:
            domain: lower-case A-labels.
        """
        return await self._ask(domain, "invalid")

    async def _ask(self, what: str, never: str) -> Verdict:
        if not self._zones:
            return Verdict()
        found = await asyncio.gather(*(self._answers(zone, what, never) for zone in self._zones))
        answers = dict(zip(self._zones, found, strict=True))
        weights = {
            zone: sum(form.weight for form in forms if _any(form, answers[zone]))
            for zone, forms in self._block.items()
        }
        listed = [zone for zone, weight in weights.items() if weight > 0]
        return Verdict(
            score=sum(weights.values()),
            listed=tuple(sorted(listed, key=lambda zone: -weights[zone])),
            allowed=tuple(
                zone
                for zone, forms in self._allow.items()
                if any(_any(form, answers[zone]) for form in forms)
            ),
            is_whole=None not in found,
            weights={zone: weights[zone] for zone in listed},
        )

    async def reason(self, address: IPAddress, zone: str) -> str:
        """What a list says about its entry: printable ASCII, bounded; "" if nothing in time."""
        try:
            async with asyncio.timeout(TEXT_SECONDS):
                answer = await self._resolver.txt(f"{_backwards(address)}.{zone}")
        except (DnsError, TimeoutError):
            return ""
        text = answer.records[0].decode("ascii", "replace").replace("\ufffd", " ")
        return _BLANKS.sub(" ", _UNPRINTABLE.sub(" ", text)).strip()[:LONGEST_TEXT]

    async def _answers(self, zone: str, what: str, never: str) -> tuple[IPv4Address, ...] | None:
        """The answers of a list that may be believed; None if it did not answer."""
        patience = self._patience[zone]
        try:
            async with asyncio.timeout(patience.take()):
                found = await self._listings(zone, what)
                patience.silences = 0
                if not found or not self._is_sane(zone, found):
                    return ()
                if await self._listings(zone, never):
                    self._complain(zone, f"it lists {_NEVER_LISTED[never]}, so perhaps everybody")
                    return ()
        except (DnsUnavailableError, TimeoutError):
            if patience.lost():
                told = {"zone": zone, "detail": "it is hardly waited for until it answers"}
                self._seldom.warning("a DNS list does not answer", zone, told)
            return None
        return found

    async def _listings(self, zone: str, what: str) -> tuple[IPv4Address, ...]:
        try:
            answer = await self._resolver.addresses(f"{what}.{zone}", ipv6=False)
        except DnsUnavailableError:
            raise
        except DnsError:
            return ()
        return tuple(one for one in answer.records if isinstance(one, IPv4Address))

    def _is_sane(self, zone: str, found: tuple[IPv4Address, ...]) -> bool:
        if any(one in _REFUSALS for one in found):
            self._complain(zone, f"it does not answer us ({found[0]}): ask through a name server")
        elif not all(one.is_loopback for one in found):
            self._complain(zone, f"it answers {found[0]}, which is no answer of a list")
        else:
            return True
        return False

    def _complain(self, zone: str, what: str) -> None:
        self._seldom.warning("a DNS list is not believed", zone, {"zone": zone, "detail": what})


def _by_zone(forms: Iterable[ListForm]) -> dict[str, list[ListForm]]:
    found: dict[str, list[ListForm]] = {}
    for form in forms:
        found.setdefault(form.zone, []).append(form)
    return found


def _any(form: ListForm, answers: tuple[IPv4Address, ...] | None) -> bool:
    return any(form.matches(answer) for answer in answers or ())


def _backwards(address: IPAddress) -> str:
    """RFC 5782 sections 2.1 and 2.4: the octets or nibbles backwards, before the zone."""
    return address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
