"""What the name in HELO says about a client (RFC 5321 sections 2.3.5 and 4.1.4).

The RFC forbids to refuse mail for a name that is merely wrong, so everything here is a suspicion;
but whoever calls itself by our own name or address lies, for we do not send mail to ourselves over
the network.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from apps.mailauth.iprev import read_address
from apps.reception.suspicion import Suspicion
from apps.resolver.base import DnsError, DnsUnavailableError, IPAddress, Resolver

LONGEST: Final = 100  # characters of a name that are quoted

NOT_FQDN: Final = "not-fqdn"
BARE_IP: Final = "bare-ip-helo"
LITERAL: Final = "literal-helo"
WRONG_LITERAL: Final = "wrong-literal-helo"
MALFORMED: Final = "malformed-helo"
UNRESOLVABLE: Final = "unresolvable-helo"

_HOST = re.compile(r"(?!.{254})(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63})*+")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
# RFC 6761, RFC 6762, RFC 8375, and what routers and installers invent.
_HOME = frozenset("arpa corp home internal invalid lan local localdomain localhost".split())


class Us(Protocol):
    """How we are called, and who knows our addresses."""

    hostname: str
    resolver: Resolver


@dataclass(frozen=True, slots=True)
class Name:
    """A name that was read.

    Args:
        text: as it came, printable, bounded.
        host: lower case, without a final dot; "" if it cannot be a host's.
        address: that it is, bracketed or bare; None for a name.
        suspicions: what the form alone says.
    """

    text: str
    host: str = ""
    address: IPAddress | None = None
    suspicions: tuple[Suspicion, ...] = ()

    @property
    def is_worth_asking(self) -> bool:
        """Whether the DNS could know it."""
        return bool(self.host) and not self.suspicions


def read(name: str, client: str) -> Name:
    """Read what a client at an address calls itself."""
    text = _UNPRINTABLE.sub("?", name)[:LONGEST]
    if name.startswith("[") and name.endswith("]"):
        return _literal(text, name[1:-1], client)
    if (bare := read_address(name)) is not None:
        why = Suspicion(BARE_IP, f"calls itself {text}, an address without brackets", 2)
        return Name(text, address=bare, suspicions=(why,))
    host = name.lower().removesuffix(".")
    if _HOST.fullmatch(host) is None:
        why = Suspicion(MALFORMED, f"calls itself {text}, which is no host name", 2)
        return Name(text, suspicions=(why,))
    top = host.rpartition(".")[2]
    if top == host or top in _HOME or top.isdigit():
        why = Suspicion(NOT_FQDN, f"calls itself {text}, which is no name in the DNS", 2)
        return Name(text, host, suspicions=(why,))
    return Name(text, host)


def _literal(text: str, inner: str, client: str) -> Name:
    version6 = inner[:5].upper() == "IPV6:"
    address = read_address(inner[5:] if version6 else inner)
    if address is None:
        why = Suspicion(MALFORMED, f"calls itself {text}, which is no address", 2)
        return Name(text, suspicions=(why,))
    if address != read_address(client):
        why = Suspicion(WRONG_LITERAL, f"calls itself {text}, which is not its address", 3)
    else:
        # RFC 5321 section 4.1.3 allows it for hosts that have no name. Few mail servers have none.
        why = Suspicion(LITERAL, f"has no name but its address {text}", 1)
    return Name(text, address=address, suspicions=(why,))


class Existence(Enum):
    """Of a name in the DNS."""

    YES = auto()
    NO = auto()
    UNSURE = auto()


async def exists(host: str, resolver: Resolver) -> Existence:
    """Ask whether a host name has an address, or at least takes mail. Never raises."""
    for look_up in (resolver.addresses, resolver.mx):
        try:
            await look_up(host)
        except DnsUnavailableError:
            return Existence.UNSURE
        except DnsError:
            continue
        return Existence.YES
    return Existence.NO


def unresolvable(name: Name, existence: Existence) -> Suspicion | None:
    """What it says of a client that its name leads nowhere."""
    if existence is not Existence.NO:
        return None
    return Suspicion(UNRESOLVABLE, f"calls itself {name.text}, a name without an address", 2)


async def pretends(name: Name, client: IPAddress | None, here: IPAddress | None, us: Us) -> bool:
    """Whether a client that is none of our hosts calls itself by our name, or by our address.

    Args:
        here: the address that it connected to. Behind a translator of addresses that is not the
            one which others know us by: only the DNS knows that.
    """
    claims_name = name.host == us.hostname
    claims_here = name.address is not None and name.address == here
    try:
        ours = (await us.resolver.addresses(us.hostname)).records
    except DnsUnavailableError:
        return claims_here  # another host of ours may have our name: only the DNS could tell
    except DnsError:
        return claims_name or claims_here
    return client not in ours and (claims_name or claims_here or name.address in ours)
