"""A message at the dot, as greylisting looks at it: does anything ask for patience, whose is it,
and who may know its sender. Pure, and bounded whatever the message.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from apps.mailauth.suffixes import organisational
from apps.mailauth.types import Authentication, Client, Result
from apps.mime.address import Address, AddressError
from apps.mime.derive import message_id
from apps.mime.headers import HeaderBlock, decode_text, scan
from apps.reception.judging import is_role, parts
from apps.reception.networks import network_of
from apps.reception.suspicion import Suspicion

LOOK: Final = 64 << 10  # octets of a message that are looked at
DOUBT: Final = 2
"""The weight of suspicions from which a message is doubtful although SPF or DKIM speaks for it."""
PROVEN: Final = 3  # domains of one message that are looked up
AUTHORS: Final = 3


@dataclass(frozen=True, slots=True)
class Addressee:
    """One recipient.

    Args:
        address: as the client wrote it, or where it leads.
        user_id: whose mailbox that is, None if it is none of ours.
        greylists: whether its domain wants doubtful mail to be asked to come back.
    """

    address: str
    user_id: int | None
    greylists: bool

    @property
    def is_role(self) -> bool:
        """Whether it is an address that takes everything at once (RFC 2142)."""
        return is_role(parts(self.address)[0])


@dataclass(frozen=True)
class Arrival:
    """A message of which all is known but whether it is taken.

    Args:
        raw: as it came.
        is_trusted: a host of our own, or one of an allow list, brought it.
    """

    client: Client
    authentication: Authentication
    recipients: tuple[Addressee, ...]
    raw: bytes = b""
    suspicions: tuple[Suspicion, ...] = ()
    is_trusted: bool = False

    @cached_property
    def doubt(self) -> str:
        """What asks for patience, in words; "" if nothing does.

        What the DNS did not answer is held against nobody: without DNS all mail would wait.
        """
        if self.is_trusted:
            return ""
        found = self.authentication
        if not _is_open(found) and (why := _disproof(found)):
            return why
        weight = sum(one.weight for one in self.suspicions)
        if weight >= DOUBT:
            return "; ".join(one.text.rstrip(".") for one in self.suspicions[:3])
        return ""

    @property
    def network(self) -> str:
        """The network that it came from, "" without one."""
        return network_of(self.client.address)

    @cached_property
    def proven(self) -> tuple[str, ...]:
        """Organisational domains that are behind it for certain."""
        names = (organisational(name) for name in self.authentication.proven)
        return tuple(dict.fromkeys(names))[:PROVEN]

    @property
    def origin(self) -> str:
        """Whose patience is remembered. A large sender tries again from any of its networks, so
        its proven domain stands for all of them. "" if there is nothing to remember."""
        return self.proven[0] if self.proven else self.network

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the sender is known by: proven domains, or the claimed one with its network."""
        if self.proven or not self.network:
            return self.proven
        sender = _address(self.client.sender)
        if sender is None:
            return ()
        return (f"{organisational(sender.domain)} from {self.network}",)

    @cached_property
    def header(self) -> HeaderBlock:
        """Its header, as far as it is looked at."""
        return scan(self.start)

    @cached_property
    def start(self) -> bytes:
        """Its beginning."""
        return self.raw[:LOOK]

    @cached_property
    def people(self) -> tuple[str, ...]:
        """`Address.key` of those it seems to be from, as far as nothing speaks against it."""
        found = self.authentication
        seen: list[str] = []
        sender = _address(self.client.sender)
        if sender is not None and found.spf.result not in _FAILURES:
            seen.append(sender.key)
        if found.dmarc.result is not Result.FAIL:
            for one in self.header.addresses(b"from")[:AUTHORS]:
                author = _built(one.local, one.host)
                if author is not None:
                    seen.append(author.key)
        return tuple(dict.fromkeys(seen))

    @property
    def answers(self) -> str:
        """The Message-ID that it says it answers, "" if none."""
        value = self.header.last(b"in-reply-to")
        return message_id(scan(b"Message-ID: " + value[:1_000])) if value else ""


_FAILURES: Final = (Result.FAIL, Result.SOFTFAIL)


def _is_open(found: Authentication) -> bool:
    """Whether the DNS owes an answer that might have spoken for the message."""
    results = [found.spf.result, found.dmarc.result, *(one.result for one in found.dkim)]
    return Result.TEMPERROR in results


def _disproof(found: Authentication) -> str:
    if found.dmarc.result is Result.FAIL and found.dmarc.override != "trusted_forwarder":
        return f"nothing proves that it is from {found.dmarc.author or 'its author'} (DMARC)"
    if found.spf.result in _FAILURES and found.dmarc.result is not Result.PASS:
        return f"{found.spf.domain or 'its sender'} does not let this address send for it (SPF)"
    if not found.proven and found.dmarc.result is not Result.PASS:
        return "neither SPF nor DKIM tells who sent it"
    return ""


def _address(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except AddressError:
        return None


def _built(local: bytes | None, host: bytes | None) -> Address | None:
    if not local or not host:
        return None
    try:
        return Address.build(decode_text(local), decode_text(host))
    except AddressError:
        return None
