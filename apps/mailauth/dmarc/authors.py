"""Whose domain stands in From: the identity that DMARC is about (RFC 7489 section 6.6.1).

Mail programs disagree on what a crooked From field says, and forgers live on that: a check that
reads one domain protects nobody if the reader is shown another. So a field of the usual form says
what it says; of any other, every domain that some program might find in it is named, and if they
are not one and the same, none of them has been shown to be the author.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from apps.mailauth.message import Message
from apps.mime.address import AddressError, normalise_domain
from apps.mime.addresslist import mailboxes
from apps.mime.headers import decode_text

DOMAINS_MAX: Final = 10  # each costs two questions
SIZE_MAX: Final = 16 * 1024  # octets of all From fields; honest ones have less than one
PLACES_MAX: Final = 2_000  # where a domain may stand in From fields that are in no usual form

_QUOTED: Final = rb'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]++|\\[\t -~\x80-\xff])*+"'
_LOCAL: Final = rb"([A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\xff-]++|" + _QUOTED + rb")"
_DOMAIN: Final = rb"([A-Za-z0-9._\x80-\xff-]++|\[[A-Za-z0-9:.]++\])"
_ADDRESS: Final = _LOCAL + rb"[ \t]*+@[ \t]*+" + _DOMAIN
_WORD: Final = rb'[^\x00-\x08\x0a-\x1f\x7f"<>,;:\\%b]++'
_PHRASE: Final = rb"(?:" + _WORD % b"" + rb"|" + _QUOTED + rb")*+"
_NAME_ALONE: Final = rb"(?:" + _WORD % b"@" + rb"|" + _QUOTED + rb")*+"
# One mailbox and what ends it, comments taken out; or a name alone: the first half of
# `Doe, John <j@example.org>`, the name of a group, nothing.
_ITEM: Final = re.compile(
    rb"[ \t]*+(?:" + _PHRASE + rb"<[ \t]*+" + _ADDRESS + rb"[ \t]*+>"
    rb"|" + _ADDRESS + rb"|" + _NAME_ALONE + rb")[ \t]*+(?:[,;:]|\Z)"
)
# No encoded word is part of an address (RFC 2047 section 5): programs that decode it all the same
# show another one. Nor do all agree on `"a@b"@c`.
_ODD: Final = re.compile(rb"=\?|@")
_OUTSIDE: Final = re.compile(rb'[^"()\\]++|"(?:[^"\\]++|\\.)*+"|\\.', re.DOTALL)
_COMMENT_MARK: Final = re.compile(rb"\\.|[()]", re.DOTALL)
_AT_SIGN: Final = re.compile(r"[@\uff20\ufe6b]\s*+([\w.\-\u3002\uff0e\uff61]++)")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Author:
    """The domains of From, A-labels, each once.

    Args:
        domains: the first `DOMAINS_MAX`.
        is_plain: whoever reads the field finds just these.
        is_crowd: there are more of them, or of text in which they might be.
        reason: why nobody can be the author, "" if there is exactly one.
    """

    domains: tuple[str, ...] = ()
    is_plain: bool = False
    is_crowd: bool = False
    reason: str = ""

    @property
    def domain(self) -> str:
        """The author's domain; "" if there is not exactly one, for certain."""
        return "" if self.reason else self.domains[0]


def author(message: Message) -> Author:
    """Find out whose domain From names; never fails."""
    values = [field.value for field in message.named(b"from")]
    if not values:
        return Author(reason="there is no From field")
    if sum(map(len, values)) > SIZE_MAX:
        return Author(is_crowd=True, reason="the From field is too large")
    # Not `unfold`, which makes a bare CR, that some take for a line end, a space.
    texts = [value.replace(b"\r\n", b"").strip(b" \t") for value in values]
    if len(texts) > 1:
        return _crooked(texts, "there are several From fields")
    hosts = _plain(texts[0])
    return _straight(hosts) if hosts else _crooked(texts, "")


def _straight(hosts: Sequence[bytes]) -> Author:
    """The author of a field in the usual form."""
    names = [_normal(host) for host in hosts]
    found, is_crowd = _distinct(names)
    if not all(names):
        return Author(found, False, is_crowd, "the From field names what is no domain")
    reason = "the From field names several domains" if len(found) > 1 else ""
    return Author(found, True, is_crowd, reason)


def _crooked(texts: Sequence[bytes], reason: str) -> Author:
    """The author of fields in any other form; one of them may still say the same to everybody."""
    found, is_crowd = _distinct(name for text in texts for name in _anywhere(text))
    if not found:
        return Author((), False, is_crowd, reason or "the From field names no domain")
    if not reason and len(found) == 1 and not is_crowd and _is_shown(texts[0], found[0]):
        return Author(found, True)
    return Author(
        found, False, is_crowd, reason or "the From field can be read in more than one way"
    )


def _is_shown(text: bytes, domain: str) -> bool:
    """Whether our own pages find the domain there."""
    if _CONTROL.search(text):
        return False
    return domain in (_normal(one.host or b"") for one in mailboxes(text))


def _plain(text: bytes) -> list[bytes] | None:
    """Hosts of a field in the usual form, in its order; None if it is in another."""
    value = _without_comments(text)
    hosts: list[bytes] = []
    at = 0
    while value is not None and at < len(value):
        found = _ITEM.match(value, at)
        if found is None:
            return None
        local, host = found[1] or found[3], found[2] or found[4]
        if host is not None:
            if _ODD.search(local):
                return None
            hosts.append(host)
        at = found.end()
    return None if value is None or not _readers_agree(text, hosts) else hosts


def _readers_agree(text: bytes, hosts: Sequence[bytes]) -> bool:
    """Whether our own pages, which read leniently, find the same hosts."""
    shown = [one.host for one in mailboxes(text) if one.host]
    return shown == [host.rstrip(b".") for host in hosts]


def _without_comments(text: bytes) -> bytes | None:
    """The value with a space for each comment; None if one of them, or a quote, is not closed."""
    if b"(" not in text and b")" not in text:
        return text
    pieces = []
    at = 0
    while at < len(text):
        outside = _OUTSIDE.match(text, at)
        if outside is not None:
            pieces.append(outside[0])
            at = outside.end()
            continue
        at = _comment_end(text, at) if text[at : at + 1] == b"(" else -1
        if at < 0:
            return None
        pieces.append(b" ")
    return b"".join(pieces)


def _comment_end(text: bytes, start: int) -> int:
    """Where the comment at `start` ends, -1 if nowhere; depth is a number only."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += {b"(": 1, b")": -1}.get(mark[0], 0)
        if not depth:
            return mark.end()
    return -1


def _anywhere(text: bytes) -> Iterator[str]:
    """Every domain that anybody might read, "" for what is none: where our own pages see one, and
    behind each at sign, be it in quotes, in a comment or in an encoded word."""
    for mailbox in mailboxes(text):
        yield _normal(mailbox.host or b"")
    # Encoded words are joined, as they should be, and each read by itself, as some programs do.
    views = (text.decode("utf-8", "replace"), decode_text(text), decode_text(_apart(text)))
    for view in dict.fromkeys(views):
        for found in _AT_SIGN.finditer(view):
            yield _normal(found[1].encode("utf-8", "replace"))


def _apart(text: bytes) -> bytes:
    return text.replace(b"?=", b"?=,")


def _distinct(names: Iterable[str]) -> tuple[tuple[str, ...], bool]:
    """Domains, each once, and whether there are more of them than are looked at."""
    kept: dict[str, None] = {}
    for number, name in enumerate(names):
        if number == PLACES_MAX or (len(kept) == DOMAINS_MAX and name and name not in kept):
            return tuple(kept), True
        if name:
            kept[name] = None
    return tuple(kept), False


def _normal(host: bytes) -> str:
    """A domain in A-labels, "" if it is none. Our pages show no dots at its end, so that none, and
    not even several, may make another domain of it."""
    try:
        domain = normalise_domain(host.decode().rstrip("."))
    except (AddressError, UnicodeDecodeError):
        return ""
    return "" if domain.startswith("[") else domain
