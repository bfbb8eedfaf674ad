"""What the rest of mailhost asks of DNS: a protocol that tests replace, its answers, its failures.

Names go in and come out as lower-case A-labels without a final dot; every name is looked up as it
is, no search list is applied. A record that cannot be a mail matter (a host name with a space in
it) is dropped, never handed on. Failures are three: there is no such name, the name has no such
record, or nobody could say; only the last one is worth another try.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Generic, Protocol, Self, TypeVar

IPAddress = IPv4Address | IPv6Address
Record = TypeVar("Record")
Record_co = TypeVar("Record_co", covariant=True)


@dataclass(frozen=True, slots=True)
class MxRecord:
    """One MX record. `host` is "" for the root: the null MX (RFC 7505), if it stands alone.

    It may be a name that no host can have, escaped as in zone files: it has no addresses then.
    """

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class TlsaData:
    """One TLSA record as it stands in DNS (RFC 6698 section 2.1); names as in dnspython."""

    usage: int
    selector: int
    mtype: int
    cert: bytes


@dataclass(frozen=True, slots=True)
class Answer(Generic[Record_co]):
    """Records of one name and type, at least one.

    Args:
        records: in the order of the answer, which means nothing.
        canonical: the name that owns the records: where CNAMEs led, else the name asked for.
        secure: the whole answer, CNAMEs included, was validated by a name server whose word counts
            (DNSSEC_TRUST).
        ttl: seconds for which it may still be used, at least 0.
    """

    records: tuple[Record_co, ...]
    canonical: str
    secure: bool = False
    ttl: int = 0


class DnsError(Exception):
    """Base of the three failures.

    Args:
        name: what was asked for.
        reason: what happened, in words.
        secure: the denial was proved by DNSSEC, by a name server whose word counts.
        canonical: where CNAMEs led; "" if not known.
    """

    def __init__(
        self, name: str, reason: str, *, secure: bool = False, canonical: str = ""
    ) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason
        self.secure = secure
        self.canonical = canonical

    def copy(self) -> Self:
        """The same failure, without the traceback of who met it first."""
        return type(self)(self.name, self.reason, secure=self.secure, canonical=self.canonical)


class NoSuchNameError(DnsError):
    """NXDOMAIN: the name, or what its CNAME points to, does not exist. Also for what is no name:
    too long, with empty labels, or with anything but printable ASCII without a backslash."""


class NoDataError(DnsError):
    """The name exists, but has no record of this type."""


class DnsUnavailableError(DnsError):
    """No answer in time, SERVFAIL (which is also what a failed validation looks like), refusal,
    or a CNAME loop: try again later."""


class Resolver(Protocol):
    """Asynchronous DNS. One object belongs to one event loop; calls may overlap.

    Every method raises NoSuchNameError, NoDataError or DnsUnavailableError, and nothing else, for
    whatever name and whatever answer.
    """

    async def mx(self, name: str) -> Answer[MxRecord]:
        """MX records, unsorted."""
        ...

    async def addresses(
        self, name: str, *, ipv4: bool = True, ipv6: bool = True
    ) -> Answer[IPAddress]:
        """AAAA (with `ipv6`) and A (with `ipv4`) records, the former first; one of both at least.
        Fails as unavailable only if nothing was found and a look-up could not be made."""
        ...

    async def txt(self, name: str) -> Answer[bytes]:
        """TXT records; the strings of one record are joined."""
        ...

    async def tlsa(self, name: str) -> Answer[TlsaData]:
        """TLSA records; `name` is whole: `_25._tcp.mx.example.org`."""
        ...

    async def cname(self, name: str) -> Answer[str]:
        """The CNAME of this very name, not followed."""
        ...

    async def ptr(self, address: IPAddress) -> Answer[str]:
        """Host names of an IP address."""
        ...
