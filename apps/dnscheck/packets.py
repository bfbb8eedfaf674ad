"""One question to one name server, and what the answer says: UDP, then TCP where it is cut.

Ids are random, each question has a socket and so a source port of its own, and what does not come
from where it was asked, or does not answer that very question, is passed over (RFC 5452). Every
answer is hostile until it is read: time, octets, records, their length and chains are bounded.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from apps.dnscheck.answers import LONGEST, RECORDS_MOST, Key, Outcome, Reply

TRY_SECONDS: Final = 1.2  # for a datagram; twice, for one may be lost
TCP_SECONDS: Final = 2.5
TRIES: Final = 2
PAYLOAD: Final = 1_232  # octets of a datagram that is never fragmented
OCTETS_MOST: Final = 256 * 1024  # that are read of one server in a check
SILENCES_MOST: Final = 1
"""Questions without an answer, after which a server that never spoke is taken for gone: each one
more would cost its whole time."""
AT_ONCE: Final = 6  # questions to one server
CHAIN: Final = 8  # CNAMEs

_DENIALS: Final = {dns.rcode.NXDOMAIN: Outcome.NO_NAME}
_REFUSALS: Final = frozenset({dns.rcode.REFUSED, dns.rcode.NOTAUTH})


@dataclass(slots=True)
class Server:
    """A name server, and what is known of it in this check.

    Args:
        label: its name or address, for people.
        recurses: asked as a resolver (RD=1); else as one in charge of a zone.
    """

    label: str
    address: str
    port: int
    recurses: bool = False
    octets: int = 0
    silences: int = 0
    has_spoken: bool = False
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def ask(self, key: Key, *, checks: bool = True) -> Reply:
        """Its answer to a question; never raises but CancelledError.

        Args:
            checks: False has a resolver hand on what fails DNSSEC (CD, RFC 4035 section 3.2.2).
        """
        message = await self.message(key, checks=checks)
        if isinstance(message, Outcome):
            return Reply(self.label, message)
        return _read(self, key, message)

    async def message(self, key: Key, *, checks: bool = True) -> dns.message.Message | Outcome:
        """The same, unread."""
        try:
            query = _query(key, recurses=self.recurses, checks=checks)
        except dns.exception.DNSException:
            return Outcome.NO_NAME  # a name that the DNS cannot have
        async with self.turn:
            if self.silences >= SILENCES_MOST and not self.has_spoken:
                return Outcome.SILENT
            if self.octets > OCTETS_MOST:
                return Outcome.TOO_MUCH
            found = await self._exchange(query)
        if isinstance(found, Outcome):
            self.silences += found is Outcome.SILENT
            return found
        self.has_spoken = True
        self.octets += len(found.wire or b"")
        return found

    async def _exchange(self, query: dns.message.Message) -> dns.message.Message | Outcome:
        for _ in range(TRIES):
            try:
                return await dns.asyncquery.udp(
                    query,
                    self.address,
                    timeout=TRY_SECONDS,
                    port=self.port,
                    ignore_unexpected=True,
                    ignore_errors=True,
                    raise_on_truncation=True,
                )
            except dns.message.Truncated:
                return await self._by_tcp(query)
            except dns.exception.Timeout:
                continue
            except (dns.exception.DNSException, OSError, EOFError):
                return Outcome.SILENT  # nobody listens there, or no way leads there
        return Outcome.SILENT

    async def _by_tcp(self, query: dns.message.Message) -> dns.message.Message | Outcome:
        try:
            # dnspython goes by the wall clock: the outer time limit does not.
            async with asyncio.timeout(TCP_SECONDS + 1):
                return await dns.asyncquery.tcp(
                    query, self.address, timeout=TCP_SECONDS, port=self.port
                )
        except (dns.exception.Timeout, TimeoutError, OSError, EOFError):
            return Outcome.SILENT
        except dns.exception.DNSException:
            return Outcome.GARBLED


def _query(key: Key, *, recurses: bool, checks: bool) -> dns.message.QueryMessage:
    name, kind = key
    flags = dns.flags.RD | dns.flags.AD if recurses else 0
    if not checks:
        flags |= dns.flags.CD
    return dns.message.make_query(f"{name}.", kind, use_edns=0, payload=PAYLOAD, flags=flags)


def _read(server: Server, key: Key, message: dns.message.Message) -> Reply:
    rcode = message.rcode()
    if rcode in _REFUSALS:
        return Reply(server.label, Outcome.REFUSED)
    if rcode not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return Reply(server.label, Outcome.FAILED)
    is_in_charge = bool(message.flags & dns.flags.AA)
    if not server.recurses and not is_in_charge:
        return Reply(server.label, Outcome.LAME)
    is_secure = server.recurses and bool(message.flags & dns.flags.AD)
    found = _chain(key, message)
    if isinstance(found, Outcome):
        return Reply(server.label, found)
    canonical, rrset, ttl = found
    where = "" if canonical == key[0] else canonical
    if rrset is not None:
        records = tuple(_text(one) for one in list(rrset)[:RECORDS_MOST])
        return Reply(server.label, Outcome.RECORDS, records, ttl, where, is_secure)
    if where and not server.recurses and rcode == dns.rcode.NOERROR and not _has_soa(message):
        return Reply(server.label, Outcome.ALIAS, (), ttl, where)
    outcome = _DENIALS.get(rcode, Outcome.EMPTY)
    return Reply(server.label, outcome, (), _denial_ttl(message), where, is_secure)


def _chain(key: Key, message: dns.message.Message) -> tuple[str, Any, int] | Outcome:
    """Where CNAMEs lead within an answer: the last name, its records, the least TTL."""
    kind = dns.rdatatype.from_text(key[1])
    by_owner = {(_name(one.name), one.rdtype): one for one in message.answer[: 4 * CHAIN]}
    name, ttl, seen = key[0], 1 << 31, set[str]()
    while True:
        rrset = by_owner.get((name, kind))
        if rrset is not None:
            return name, rrset, min(ttl, rrset.ttl)
        alias = by_owner.get((name, dns.rdatatype.CNAME))
        if alias is None:
            return name, None, 0 if ttl == 1 << 31 else ttl
        seen.add(name)
        ttl = min(ttl, alias.ttl)
        name = _name(alias[0].target)
        if name in seen or len(seen) >= CHAIN:
            return Outcome.LOOP


def _has_soa(message: dns.message.Message) -> bool:
    """Whether it denies, which is for the end of the chain (RFC 2308 section 2)."""
    return any(one.rdtype == dns.rdatatype.SOA for one in message.authority[:CHAIN])


def _denial_ttl(message: dns.message.Message) -> int:
    """For how long a denial is kept (RFC 2308 section 5)."""
    for one in message.authority[:CHAIN]:
        if one.rdtype == dns.rdatatype.SOA:
            return int(min(one.ttl, one[0].minimum))
    return 0


def _text(data: Any) -> str:
    if data.rdtype == dns.rdatatype.TXT:
        joined: bytes = b"".join(data.strings)[:LONGEST]
        return joined.decode("ascii", "backslashreplace")
    return str(data.to_text()[:LONGEST]).lower()


def _name(name: dns.name.Name) -> str:
    return "" if name == dns.name.root else name.to_text(omit_final_dot=True).lower()
