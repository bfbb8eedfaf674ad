"""What an entry of an allow or block list names, and which entries a message could meet. Pure.

An entry that allows an address or a domain counts only if it is proven: that the author's domain
stands behind the message (`authors`), or that the reverse-path's does (SPF), as long as DMARC does
not condemn From. Who writes a trusted name into a message must gain nothing by it. One that blocks
needs no proof. A network is that of the client which brought the message, and needs none either.
"""

import ipaddress
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from apps.mailauth.types import Policy, Result
from apps.mime.address import Address, AddressError, normalise_domain
from apps.reception.judging import Judgement, parts
from apps.reception.keys import key_of
from apps.scan.authors import author_of
from apps.scan.base import Case
from apps.scan.models.policies import EntryKind
from apps.scan.scopes import Scope
from apps.wire.errors import InvalidName

LABELS_MOST: Final = 12  # of a domain, looked for from the right
SENDERS_MOST: Final = 10  # addresses of one message
WIDEST: Final = {4: 8, 6: 16}  # prefix lengths: a wider network is everybody's
_IPV6: Final = 200  # added to the lengths of IPv6


@dataclass(frozen=True, slots=True)
class Named:
    """A sender as an entry names it; `models.ListEntry` tells of the fields."""

    kind: EntryKind
    value: str
    bits: int = 0

    @property
    def exactness(self) -> tuple[int, int]:
        """What decides between entries of one scope: the greater one. An address is more exact
        than a domain, a longer domain than a shorter one, each more than a network."""
        if self.kind is EntryKind.ADDRESS:
            return 2, 0
        if self.kind is EntryKind.DOMAIN:
            return 1, self.value.count(".")
        return 0, self.bits % _IPV6


@dataclass(frozen=True, slots=True)
class Met:
    """A name that a message goes by.

    Args:
        words: where it stands, and as what: `From is bob@example.org`.
        is_proven: an entry that allows it counts.
    """

    named: Named
    words: str
    is_proven: bool


def read(text: str) -> Named:
    """Read an entry as people write it: an address, a domain, an IP address or a network.

    Raises:
        InvalidName
    """
    text = text.strip()
    try:
        return _network(ipaddress.ip_network(text, strict=False))
    except ValueError:
        pass
    try:
        return _address_or_domain(text)
    except AddressError as error:
        words = f"{text[:100]!r} is neither an address, nor a domain, nor a network: {error}"
        raise InvalidName(text=words) from None


def _network(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Named:
    if network.prefixlen < WIDEST[network.version]:
        raise InvalidName(text=f"{network} is too wide: /{WIDEST[network.version]} is the widest")
    return _named(network)


def _named(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Named:
    bits = network.prefixlen + (_IPV6 if network.version == 6 else 0)
    return Named(EntryKind.NETWORK, network.compressed, bits)


def _address_or_domain(text: str) -> Named:
    """Also as others write domains: `@example.org`, `*@example.org`, `*.example.org`."""
    for prefix in ("*@", "@", "*"):
        text = text.removeprefix(prefix)
    try:
        return Named(EntryKind.ADDRESS, Address.parse(text).key)
    except AddressError:
        domain = normalise_domain(text.removeprefix("."))
    if "." not in domain and not text.startswith("."):
        # Most often it is a slip, and it would concern half of the world.
        raise AddressError(f"all of a top-level domain is written with a dot: .{domain}")
    return Named(EntryKind.DOMAIN, domain)


def key_of_entry(scope: Scope, value: str) -> int:
    """The narrow number that an entry is found by."""
    return key_of(scope.text, value)


@dataclass(frozen=True, slots=True)
class Sender:
    """An address that stands for who sent a message.

    Args:
        words: where it stands, and what proves it.
        is_proven: an entry that allows it counts.
    """

    address: str
    words: str
    is_proven: bool = False


def senders_of(case: Case) -> tuple[Sender, ...]:
    """The addresses that a message comes in the name of."""
    by_author = () if case.unscannable else _by_author(case)
    return (*by_author, *_by_envelope(case))


def met_by(case: Case, lengths: Collection[int], senders: Iterable[Sender]) -> list[Met]:
    """All names under which a message could stand in a list, each once.

    Args:
        lengths: `bits` of the networks that any list has.
        senders: `senders_of` the case, or what it was when the message was there.
    """
    found: dict[Named, Met] = {}
    by_name = (one for sender in senders for one in _names(sender))
    for one in (*by_name, *_by_client(case, lengths)):
        known = found.get(one.named)
        if known is None or (one.is_proven and not known.is_proven):
            found[one.named] = one
    return list(found.values())


def _by_author(case: Case) -> Iterator[Sender]:
    author = author_of(case)
    if author.key:
        words = f"From is {author.key}"
        proof = f"{words}, proven by {author.proof}" if author.proof else words
        yield Sender(author.key, proof, bool(author.proof))
    for person in case.letter.authors[:SENDERS_MOST]:
        if person.domain and person.address != author.key:
            yield Sender(person.address, f"From names {person.address}")


def _by_envelope(case: Case) -> Iterator[Sender]:
    """The reverse-path: of a list or a sending service it is often all that stays the same."""
    if not case.sender:
        return
    found = Judgement.from_data(case.judgement).case.authentication
    is_proven = (
        found.spf.result is Result.PASS
        and found.spf.scope == "mfrom"
        and parts(case.sender)[1] == found.spf.domain
        and found.dmarc.disposition is Policy.NONE
    )
    proof = ", proven by SPF" if is_proven else ""
    yield Sender(case.sender, f"it comes from <{case.sender}>{proof}", is_proven)


def _names(sender: Sender) -> Iterator[Met]:
    """The address, its domain, and all those above it."""
    try:
        address = Address.parse(sender.address)
    except AddressError:
        return
    yield Met(Named(EntryKind.ADDRESS, address.key), sender.words, sender.is_proven)
    labels = address.domain.split(".")[-LABELS_MOST:]
    for at in range(len(labels)):
        named = Named(EntryKind.DOMAIN, ".".join(labels[at:]))
        yield Met(named, sender.words, sender.is_proven)


def _by_client(case: Case, lengths: Collection[int]) -> Iterator[Met]:
    """Only of strangers: what a user of ours, or a server that trusts us, brings says nothing."""
    if case.door != "mx" or not lengths:
        return
    try:
        address = ipaddress.ip_address(str(case.client.get("address", "")))
    except ValueError:
        return
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    base = _IPV6 if address.version == 6 else 0
    words = f"the client is {address}"
    for bits in sorted(lengths, reverse=True):
        if 0 < bits - base <= address.max_prefixlen:
            network = ipaddress.ip_network((address, bits - base), strict=False)
            yield Met(_named(network), words, is_proven=True)
