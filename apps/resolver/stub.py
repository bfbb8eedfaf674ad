"""A stub resolver: asks the name servers it was given, over UDP and then TCP, with dnspython.

What comes back is hostile until it is read: host names are held to the letters of host names, and
the number of records to MOST_RECORDS. Secure is only what every one of the name servers may be
believed about (DNSSEC_TRUST); they are asked with AD set, which has a validating resolver say so
without the weight of the signatures (RFC 6840 section 5.7).
"""

import asyncio
import copy
import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.resolver
from dns.nameserver import Do53Nameserver

from apps.resolver.base import (
    Answer,
    DnsError,
    DnsUnavailableError,
    IPAddress,
    MxRecord,
    NoDataError,
    NoSuchNameError,
    TlsaData,
)
from apps.resolver.breaker import Breaker
from apps.resolver.cache import LONGEST, LONGEST_DENIAL, SHORTEST, Cache, Entry
from apps.resolver.turns import Turns

TRY_SECONDS: Final = 2.0  # for one name server, before the next is asked
SECONDS: Final = 5.0  # for a whole question
PATIENCE: Final = 1.0  # seconds of waiting for the asker's own places that mean nothing
FAILURE_SECONDS: Final = 10.0  # how long "nobody could say" is remembered, RFC 9520 section 3.2
PAYLOAD: Final = 1_232  # octets of a datagram that is never fragmented
MOST_RECORDS: Final = 100  # of one answer, but for TXT

# What a host or a domain of mail may be called, and what may be asked for: the macros of SPF put
# local parts and HELO names into names (RFC 7208 section 7), and DNS has records for them.
_HOST = re.compile(r"(?!.{254})[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*+")
_NAME = re.compile(r"(?!.{254})[ !-\-/-\[\]-~]{1,63}(?:\.[ !-\-/-\[\]-~]{1,63})*+")
_UNFIT = re.compile(r"\\?([^a-z0-9_.\\-])")

_SILENCE: Final = "no name server answers"

Record = TypeVar("Record")
Read = Callable[[Any], Record | None]


class StubResolver:
    """A `Resolver`.

    Args:
        servers: addresses and ports, asked in this order until one proves to be silent.
        is_trusted: whether their word that an answer was validated is believed.

    Attributes:
        has_waited: a question had to wait because of others that the same asker had caused: what
            stays open then is the asker's own doing.
    """

    def __init__(
        self,
        servers: Sequence[tuple[str, int]],
        *,
        is_trusted: bool,
        try_seconds: float = TRY_SECONDS,
        seconds: float = SECONDS,
    ) -> None:
        stub = dns.asyncresolver.Resolver(configure=False)
        stub.nameservers = [Do53Nameserver(*server) for server in servers]
        stub.timeout, stub.lifetime = try_seconds, seconds
        stub.flags = dns.flags.RD | dns.flags.AD
        stub.use_edns(0, 0, PAYLOAD)
        self._stub = stub
        self._seconds = seconds
        self._is_trusted = is_trusted
        self._cache = Cache()
        self._breaker = Breaker(servers, self._ask_first)
        self._turns = Turns()
        self._asker = ""
        self.has_waited = False

    def on_behalf_of(self, asker: str) -> "StubResolver":
        """The same resolver with all it knows, for the questions that one stranger causes: those
        who ask in one name share a bounded number of places (`turns`)."""
        other = copy.copy(self)
        other._asker, other.has_waited = asker, False
        return other

    async def _place(self) -> Callable[[], None]:
        """Wait for one of the asker's own places; returns what gives it back."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            return await self._turns.enter(self._asker)
        finally:
            if loop.time() - begun > PATIENCE:
                self.has_waited = True

    def look_around(self) -> None:
        """See whether any name server answers, in the background."""
        self._breaker.look_around()

    async def mx(self, name: str) -> Answer[MxRecord]:
        return await self._get(name, "MX", _read_mx)

    async def txt(self, name: str) -> Answer[bytes]:
        return await self._get(name, "TXT", lambda data: b"".join(data.strings))

    async def tlsa(self, name: str) -> Answer[TlsaData]:
        return await self._get(
            name, "TLSA", lambda data: TlsaData(data.usage, data.selector, data.mtype, data.cert)
        )

    async def cname(self, name: str) -> Answer[str]:
        return await self._get(name, "CNAME", lambda data: _host(data.target))

    async def ptr(self, address: IPAddress) -> Answer[str]:
        return await self._get(address.reverse_pointer, "PTR", lambda data: _host(data.target))

    async def addresses(
        self, name: str, *, ipv4: bool = True, ipv6: bool = True
    ) -> Answer[IPAddress]:
        kinds = [kind for kind, wanted in (("AAAA", ipv6), ("A", ipv4)) if wanted]
        if len(kinds) == 1:
            return await self._get(name, kinds[0], _read_address)
        questions = [self._get(name, kind, _read_address) for kind in kinds]
        return _join(name, await asyncio.gather(*questions, return_exceptions=True))

    async def _get(self, name: str, kind: str, read: Read[Record]) -> Answer[Record]:
        asked = name.lower().removesuffix(".")
        if not _NAME.fullmatch(asked):
            raise NoSuchNameError(name, "not a name that DNS can have")

        key = asked, kind
        self._check_silence(name, key)

        async def look_up() -> Entry:
            return await self._look_up(asked, kind, read)

        if not self._asker or self._cache.knows(key) or self._cache.is_asking(key):
            return await self._cache.get(key, look_up)
        # Outside of the look-up, for others may wait for that, whose places are not all taken.
        give_back = await self._place()
        try:
            self._check_silence(name, key)
        except DnsUnavailableError:
            give_back()
            raise
        return await self._cache.get(key, look_up, give_back)

    def _check_silence(self, name: str, key: tuple[str, str]) -> None:
        """Raise DnsUnavailableError where only a name server knew, and none is there."""
        if self._breaker.refuses() and not self._cache.knows(key):
            raise DnsUnavailableError(name, _SILENCE)

    def _ask_first(self, server: tuple[str, int]) -> None:
        """Ask the others only if this one fails."""
        servers = [one for one in self._stub.nameservers if isinstance(one, Do53Nameserver)]
        servers.sort(key=lambda one: (one.address, one.port) != server)
        self._stub.nameservers = servers

    async def _look_up(self, name: str, kind: str, read: Read[Record]) -> Entry:
        try:
            # dnspython goes by the wall clock: the outer time limit does not.
            async with asyncio.timeout(self._seconds + 1) as limit:
                with self._breaker.watching(limit):
                    async with self._turns.take(name):
                        found = await self._stub.resolve(
                            f"{name}.", kind, raise_on_no_answer=False, search=False
                        )
            self._breaker.answered()
        except dns.resolver.NXDOMAIN as error:
            self._breaker.answered()
            responses: dict[Any, Any] = error.kwargs["responses"]
            response = next(iter(responses.values()))
            return self._denial(NoSuchNameError, name, "no such name", response)
        except (dns.exception.DNSException, OSError, TimeoutError, EOFError) as error:
            return self._failure(name, error)
        response = found.response
        records = [] if found.rrset is None else _records(found.rrset, read)
        if not records:
            return self._denial(NoDataError, name, f"no {kind} record", response)
        answer = Answer(tuple(records), _text(found.canonical_name), self._is_secure(response))
        seconds = min(max(found.chaining_result.minimum_ttl, SHORTEST), LONGEST)
        return Entry(answer, seconds, sum(map(_octets, found.rrset or ())))

    def _failure(self, name: str, error: BaseException) -> Entry:
        if _last_rcode(error) is not None:
            self._breaker.answered()
        if self._breaker.refuses():
            return Entry(DnsUnavailableError(name, _SILENCE), 0.0)  # gone as soon as one is back
        return Entry(DnsUnavailableError(name, _why(error)), FAILURE_SECONDS)

    def _denial(
        self,
        error: type[DnsError],
        name: str,
        reason: str,
        response: dns.message.QueryMessage,
    ) -> Entry:
        chain = response.resolve_chaining()
        outcome = error(
            name,
            reason,
            secure=self._is_secure(response),
            canonical=_text(chain.canonical_name),
        )
        return Entry(outcome, min(max(chain.minimum_ttl, SHORTEST), LONGEST_DENIAL))

    def _is_secure(self, response: dns.message.Message) -> bool:
        return self._is_trusted and bool(response.flags & dns.flags.AD)


def _read_mx(data: Any) -> MxRecord:
    # A host that cannot be one is kept: without it the domain would seem to have no MX, and mail go
    # to the domain's own address, which RFC 5321 section 5.1 forbids. Its address is never found:
    # whatever is no host stays escaped, and a name with a backslash is never asked for.
    host = _UNFIT.sub(lambda octet: f"\\{ord(octet[1]):03d}", _text(data.exchange))
    return MxRecord(data.preference, host)


def _read_address(data: Any) -> IPAddress | None:
    return ipaddress.ip_address(data.address)


def _records(rrset: Iterable[Any], read: Read[Record]) -> list[Record]:
    found = [record for data in rrset if (record := read(data)) is not None]
    if len(found) <= MOST_RECORDS or isinstance(found[0], bytes):
        return found  # any TXT record may be the one that matters; 64 KB of an answer bound them
    # Of 500 MX hosts the best are kept; for other types no record is better than another.
    found.sort(key=lambda record: getattr(record, "preference", 0))
    return found[:MOST_RECORDS]


def _join(name: str, found: Iterable[Answer[Any] | BaseException]) -> Answer[IPAddress]:
    """AAAA and A as one; whether secure is said of both, denials included."""
    answers = [one for one in found if isinstance(one, Answer)]
    errors = [one for one in found if isinstance(one, DnsError)]
    for one in found:
        if not isinstance(one, Answer | DnsError):
            raise one
    if answers:
        return Answer(
            tuple(record for answer in answers for record in answer.records),
            answers[0].canonical,
            all(one.secure for one in answers) and all(one.secure for one in errors),
            min(answer.ttl for answer in answers),
        )
    for kind in (DnsUnavailableError, NoSuchNameError):
        for error in errors:
            if isinstance(error, kind):
                raise error
    secure = all(error.secure for error in errors)
    raise NoDataError(name, "no address", secure=secure, canonical=errors[0].canonical)


def _host(name: Any) -> str | None:
    """The name as text, "" for the root, None if it is no host name."""
    text = _text(name)
    return text if not text or _HOST.fullmatch(text) else None


def _text(name: Any) -> str:
    text: str = name.to_text(omit_final_dot=True)
    return "" if text == "." else text.lower()


def _octets(data: dns.rdata.Rdata) -> int:
    return len(data.to_wire() or b"") + 64  # the object around them


def _why(error: BaseException) -> str:
    rcode = _last_rcode(error)
    if rcode is not None and rcode != dns.rcode.NOERROR:
        return f"name servers answered {dns.rcode.to_text(rcode)}"
    if isinstance(error, dns.resolver.NoNameservers):
        return "no name server could answer"
    return "no name server answered in time"


def _last_rcode(error: BaseException) -> dns.rcode.Rcode | None:
    """What the last name server said that said anything; None if none did.

    "All nameservers failed to answer …: Server Do53:… answered SERVFAIL".
    """
    if not isinstance(error, dns.resolver.NoNameservers | dns.resolver.LifetimeTimeout):
        return None
    answers = [one[4] for one in error.kwargs.get("errors", ()) if one[4] is not None]
    return answers[-1].rcode() if answers else None
