"""A message as it goes onto the wire, and whether a server's extensions can carry it.

What the server lacks is told per recipient with the code that RFC 6531, 6152, 1870 and 8689 have
for it; nothing is converted, for that would break the signatures of who wrote it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from apps.mime import dsn
from apps.mime.address import Address, AddressError
from apps.remote.greeting import Peer
from apps.remote.types import Envelope, Recipient

BAD_SENDER: Final = "5.1.7"
BAD_RECIPIENT: Final = "5.1.3"
TOO_BIG: Final = "5.3.4"
NO_8BIT: Final = "5.6.3"
NO_UTF8: Final = "5.6.7"
NO_UTF8_HEADER: Final = "5.6.9"
NO_REQUIRETLS: Final = "5.7.30"

_BARE = re.compile(rb"\r\n|\r|\n")
_PARAMETER = re.compile(r"[!-~]{1,500}")


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a recipient, or the whole message, cannot be sent to this server."""

    status: str
    reason: str


class Content:
    """The text of a message.

    Neither a bare CR or LF nor a NUL leaves here, whatever a store may hold: servers that take
    them for line ends, or drop them, would see the end of the text where it is not, and commands
    behind it (CVE-2023-51764 and its family; RFC 5321 sections 2.3.8 and 4.1.1.4).
    """

    def __init__(self, text: bytes) -> None:
        if b"\0" in text:
            text = text.replace(b"\0", b"")
        if not text.count(b"\r\n") == text.count(b"\n") == text.count(b"\r"):
            text = _BARE.sub(b"\r\n", text)
        if not text.endswith(b"\r\n"):
            text += b"\r\n"
        self._text = text
        self.size = len(text)
        self.is_ascii = text.isascii()

    @cached_property
    def has_ascii_header(self) -> bool:
        """Whether the header can travel without SMTPUTF8."""
        end = self._text.find(b"\r\n\r\n")
        return self.is_ascii or self._text[: end if end >= 0 else None].isascii()

    @cached_property
    def stuffed(self) -> bytes:
        """With dots doubled at line starts (RFC 5321 section 4.5.2), without the final dot."""
        text = self._text.replace(b"\r\n.", b"\r\n..")
        return b"." + text if text.startswith(b".") else text


@dataclass(frozen=True, slots=True)
class Rcpt:
    """A recipient with its RCPT command and its domain."""

    recipient: Recipient
    command: bytes
    domain: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """A transaction as a server can take it.

    Args:
        mail: the MAIL command.
        rcpts: recipients that it can take.
        unfit: recipients that it cannot take.
    """

    mail: bytes
    rcpts: tuple[Rcpt, ...]
    unfit: tuple[tuple[Recipient, Unfit], ...]


def fit(peer: Peer, envelope: Envelope, content: Content) -> Fitted:
    """Fit an envelope to what a server offers."""
    sender = _address(envelope.sender) if envelope.sender else ""
    problem = _problem(peer, envelope, content, sender)
    if problem is not None or sender is None:
        unfit = problem or Unfit(BAD_SENDER, "the sender's address cannot be one")
        return Fitted(b"", (), tuple((one, unfit) for one in envelope.recipients))
    rcpts, refused = [], []
    is_utf8 = (envelope.smtputf8 and not content.is_ascii) or not f"{sender}".isascii()
    for recipient in envelope.recipients:
        address = _address(recipient.address)
        if address is None:
            refused.append((recipient, Unfit(BAD_RECIPIENT, "this cannot be an address")))
        elif not address.is_ascii and "smtputf8" not in peer.extensions:
            refused.append((recipient, _no_utf8(peer)))
        else:
            is_utf8 = is_utf8 or not address.is_ascii
            rcpts.append(Rcpt(recipient, _rcpt(peer, recipient, address), address.domain))
    mail = _mail(peer, envelope, content, f"{sender}", is_utf8=is_utf8)
    return Fitted(mail, tuple(rcpts), tuple(refused))


def split(peer: Peer, rcpts: Sequence[Rcpt], most: int) -> list[list[Rcpt]]:
    """Recipients in lots that a server takes in one transaction (RFC 9422)."""
    limits = peer.limits()
    most = min(most, limits.get("RCPTMAX", most))
    most_domains = limits.get("RCPTDOMAINMAX", most)
    lots: list[list[Rcpt]] = []
    domains: set[str] = set()
    for rcpt in rcpts:
        is_full = not lots or len(lots[-1]) >= most
        if is_full or (rcpt.domain not in domains and len(domains) >= most_domains):
            lots.append([])
            domains.clear()
        domains.add(rcpt.domain)
        lots[-1].append(rcpt)
    return lots


def _problem(
    peer: Peer, envelope: Envelope, content: Content, sender: Address | str | None
) -> Unfit | None:
    """What is wrong for all recipients."""
    extensions = peer.extensions
    most = peer.number("size")
    if "smtputf8" not in extensions and not f"{sender}".isascii():
        return _no_utf8(peer)
    if "smtputf8" not in extensions and envelope.smtputf8 and not content.has_ascii_header:
        return Unfit(NO_UTF8_HEADER, f"{peer.host} takes no header beyond ASCII (SMTPUTF8)")
    if not content.is_ascii and "8bitmime" not in extensions:
        return Unfit(NO_8BIT, f"{peer.host} takes no 8-bit text, and this message is 8-bit")
    if most and content.size > most:
        return Unfit(
            TOO_BIG, f"the message has {content.size} octets, {peer.host} takes {most} at most"
        )
    if envelope.requires_tls and not peer.can_require_tls:
        return Unfit(NO_REQUIRETLS, peer.why_no_requiretls)
    return None


def _no_utf8(peer: Peer) -> Unfit:
    return Unfit(NO_UTF8, f"{peer.host} does not take internationalized mail (SMTPUTF8)")


def _address(text: str) -> Address | None:
    """The address, None if it cannot be one. Parsing is the guard: no control character, bracket or
    space gets into a command unquoted."""
    try:
        return Address.parse(text)
    except AddressError:
        return None


def _mail(peer: Peer, envelope: Envelope, content: Content, sender: str, *, is_utf8: bool) -> bytes:
    extensions = peer.extensions
    words = [f"MAIL FROM:<{sender}>"]
    if "size" in extensions:
        words.append(f"SIZE={content.size}")
    if not content.is_ascii:
        words.append("BODY=8BITMIME")
    if is_utf8 and "smtputf8" in extensions:
        words.append("SMTPUTF8")
    if "dsn" in extensions:
        if envelope.ret in {"FULL", "HDRS"}:
            words.append(f"RET={envelope.ret}")
        if _PARAMETER.fullmatch(envid := dsn.xtext(envelope.envid)):
            words.append(f"ENVID={envid}")
    if envelope.requires_tls:
        words.append("REQUIRETLS")
    return " ".join(words).encode()


def _rcpt(peer: Peer, recipient: Recipient, address: Address) -> bytes:
    words = [f"RCPT TO:<{address}>"]
    if "dsn" in peer.extensions:
        if _PARAMETER.fullmatch(recipient.notify):
            words.append(f"NOTIFY={recipient.notify}")
        if _PARAMETER.fullmatch(orcpt := dsn.onward_orcpt(recipient.orcpt)):
            words.append(f"ORCPT={orcpt}")
    return " ".join(words).encode()
