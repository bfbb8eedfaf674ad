"""DNS in memory: a `Resolver` that answers what a test tells it, at once, without a server.

    zones = Zones()
    zones.add("example.org", "TXT", "v=spf1 mx -all")
    zones.mail("example.org", "192.0.2.1")
    await spf.check_sender(client, zones)
    assert zones.count("example.org", "TXT") == 1

It speaks as `StubResolver` does: CNAMEs are followed, a name that DNS cannot have does not exist,
failures are its three. Nothing is cached: every question is counted. For whatever is about real
packets there is `tests/support/dns_server.py`, which is told its records in the same words.
"""

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable
from typing import Any

from apps.resolver.base import (
    Answer,
    DnsUnavailableError,
    IPAddress,
    MxRecord,
    NoDataError,
    NoSuchNameError,
    TlsaData,
)

CHAIN = 12  # CNAMEs followed; a loop cannot be answered, as with real name servers
TTL = 300

Key = tuple[str, str]

_LABEL = re.compile(r"[\x20-\x2d\x2f-\x5b\x5d-\x7e]{1,63}")  # neither dot nor backslash


class Zones:
    """A `Resolver`. Names are given with or without a final dot, types by their names ("MX").

    Where a name may be left out, all names are meant; where a type may, all types ("ANY").

    Args:
        fallback: asked for what was never told; without one there is no such name.
    """

    def __init__(self, fallback: Callable[[str, str], tuple[Any, ...]] | None = None) -> None:
        self.questions: list[Key] = []
        self._fallback = fallback
        self._records: dict[Key, tuple[Any, ...]] = {}
        self._failures: dict[Key, str] = {}
        self._delays: dict[Key, float] = {}
        self._dropped: set[Key] = set()
        self._secure: set[str] = set()
        self._asked = asyncio.Event()

    def add(self, name: str, kind: str, *records: str | bytes) -> None:
        """Set all records of a name and type, in zone-file form ("10 mx.example.org."), but TXT as
        it is, all strings joined."""
        self._records[_key(name, kind)] = tuple(_READERS[kind](one) for one in records)

    def more(self, name: str, kind: str, *records: str | bytes) -> None:
        """Add to what is there."""
        known = self._records.get(_key(name, kind), ())
        self.add(name, kind, *records)
        self._records[_key(name, kind)] = known + self._records[_key(name, kind)]

    def mail(self, domain: str, *addresses: str, host: str = "") -> str:
        """Give a domain one MX host with addresses (127.0.0.1 by default); return the host."""
        host = host or f"mx.{domain}"
        self.add(domain, "MX", f"10 {host}.")
        self.host(host, *(addresses or ("127.0.0.1",)))
        return host

    def host(self, name: str, *addresses: str) -> None:
        """Give a name these IPv4 and IPv6 addresses."""
        for kind, colon in (("A", False), ("AAAA", True)):
            of_kind = [one for one in addresses if (":" in one) is colon]
            if of_kind:
                self.add(name, kind, *of_kind)

    def reverse(self, address: str, *names: str) -> None:
        """Give an IP address these names."""
        self.add(ipaddress.ip_address(address).reverse_pointer, "PTR", *names)

    def remove(self, name: str, kind: str = "ANY") -> None:
        """Forget the records of a name, and how they were to go wrong."""
        for table in (self._records, self._failures, self._delays):
            for key in [key for key in table if _matches(key, _name(name), kind)]:
                del table[key]
        self._dropped = {key for key in self._dropped if not _matches(key, _name(name), kind)}

    def fail(self, name: str = "", kind: str = "ANY", reason: str = "SERVFAIL") -> None:
        """Fail as unavailable, at once."""
        self._failures[_key(name, kind)] = f"name servers answered {reason}"

    def delay(self, seconds: float, name: str = "", kind: str = "ANY") -> None:
        """Answer late."""
        self._delays[_key(name, kind)] = seconds

    def drop(self, name: str = "", kind: str = "ANY") -> None:
        """Never answer: who asks waits until it is cancelled."""
        self._dropped.add(_key(name, kind))

    def mend(self) -> None:
        """Answer everything again as it was told, at once."""
        self._failures.clear()
        self._delays.clear()
        self._dropped.clear()

    def secure(self, zone: str = "") -> None:
        """Answers at or below `zone` were validated by DNSSEC."""
        self._secure.add(_name(zone))

    def count(self, name: str = "", kind: str = "ANY") -> int:
        """How often a name was asked for; how many questions there were in all."""
        return sum(
            (not name or key[0] == _name(name)) and kind in {"ANY", key[1]}
            for key in self.questions
        )

    async def asked(self, count: int = 1) -> None:
        """Wait until there were that many questions, answered or not."""
        while len(self.questions) < count:
            self._asked.clear()
            await self._asked.wait()

    def answer(self, name: str, kind: str) -> Answer[Any]:
        """What a question is answered, at once and uncounted: for libraries that do not wait."""
        asked = name = _name(name)
        for _ in range(CHAIN):
            if not _is_name(name):
                raise NoSuchNameError(asked, "not a name that DNS can have")
            for key in _either(name, kind):
                if key in self._failures:
                    raise DnsUnavailableError(asked, self._failures[key])
            if records := self._known(name, kind):
                return Answer(records, name, self._is_secure(name), TTL)
            alias = self._records.get((name, "CNAME"))
            if not alias:
                error = NoDataError if self._exists(name) else NoSuchNameError
                reason = f"no {kind} record" if error is NoDataError else "no such name"
                raise error(asked, reason, secure=self._is_secure(name), canonical=name)
            name = alias[0]
        raise DnsUnavailableError(asked, "name servers answered SERVFAIL")

    async def mx(self, name: str) -> Answer[MxRecord]:
        return await self._get(name, "MX")

    async def txt(self, name: str) -> Answer[bytes]:
        return await self._get(name, "TXT")

    async def tlsa(self, name: str) -> Answer[TlsaData]:
        return await self._get(name, "TLSA")

    async def cname(self, name: str) -> Answer[str]:
        return await self._get(name, "CNAME")

    async def ptr(self, address: IPAddress) -> Answer[str]:
        return await self._get(address.reverse_pointer, "PTR")

    async def addresses(
        self, name: str, *, ipv4: bool = True, ipv6: bool = True
    ) -> Answer[IPAddress]:
        questions: list[Awaitable[Answer[IPAddress]]] = []
        if ipv6:
            questions.append(self._get(name, "AAAA"))
        if ipv4:
            questions.append(self._get(name, "A"))
        found = await asyncio.gather(*questions, return_exceptions=True)
        answers = [one for one in found if isinstance(one, Answer)]
        errors = [one for one in found if isinstance(one, BaseException)]
        if not answers:
            errors.sort(key=lambda error: not isinstance(error, DnsUnavailableError))
            raise errors[0]
        records = tuple(record for answer in answers for record in answer.records)
        secure = all(answer.secure for answer in answers)
        return Answer(records, answers[0].canonical, secure, TTL)

    async def _get(self, name: str, kind: str) -> Answer[Any]:
        asked = _name(name)
        self.questions.append((asked, kind))
        self._asked.set()
        either = _either(asked, kind)
        if not self._dropped.isdisjoint(either):
            await asyncio.Event().wait()
        if seconds := max(self._delays.get(key, 0.0) for key in either):
            await asyncio.sleep(seconds)
        return self.answer(asked, kind)

    def _known(self, name: str, kind: str) -> tuple[Any, ...]:
        records = self._records.get((name, kind))
        if records is None and self._fallback is not None:
            return tuple(_READERS[kind](one) for one in self._fallback(name, kind))
        return records or ()

    def _exists(self, name: str) -> bool:
        return any(key[0] == name or key[0].endswith("." + name) for key in self._records)

    def _is_secure(self, name: str) -> bool:
        return any(not zone or name == zone or name.endswith("." + zone) for zone in self._secure)


def _name(name: str) -> str:
    return name.removesuffix(".").lower()


def _is_name(name: str) -> bool:
    return len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split("."))


def _key(name: str, kind: str) -> Key:
    return _name(name), kind


def _either(name: str, kind: str) -> tuple[Key, ...]:
    return (name, kind), (name, "ANY"), ("", kind), ("", "ANY")


def _matches(key: Key, name: str, kind: str) -> bool:
    return key[0] == name and kind in {"ANY", key[1]}


def _text(record: str | bytes) -> str:
    return record if isinstance(record, str) else record.decode("ascii")


def _octets(record: str | bytes) -> bytes:
    return record if isinstance(record, bytes) else record.encode()


def _host(record: str | bytes) -> str:
    return _name(_text(record))


def _address(record: str | bytes) -> IPAddress:
    return ipaddress.ip_address(_text(record))


def _mail_exchanger(record: str | bytes) -> MxRecord:
    preference, _, host = _text(record).partition(" ")
    return MxRecord(int(preference), _name(host))


def _tlsa(record: str | bytes) -> TlsaData:
    usage, selector, mtype, cert = _text(record).split()
    return TlsaData(int(usage), int(selector), int(mtype), bytes.fromhex(cert))


_READERS: dict[str, Callable[[str | bytes], Any]] = {
    "A": _address,
    "AAAA": _address,
    "CNAME": _host,
    "MX": _mail_exchanger,
    "PTR": _host,
    "TLSA": _tlsa,
    "TXT": _octets,
}
