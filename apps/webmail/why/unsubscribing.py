"""How to leave a mailing list, as the mail itself says it: RFC 2369 and, in one click, RFC 8058.

All of it was written by strangers. What this host does by itself for one click it does only for a
message whose two fields a valid DKIM signature covers (RFC 8058 section 4), as our own check found
when the mail came in; anybody could have added others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from apps.mailauth import reading as results
from apps.mailauth.reading import Finding, domain_of
from apps.mime.address import Address, AddressError
from apps.mime.headers import HeaderBlock, scan

MOST: Final = 8  # addresses looked at
LONGEST: Final = 2_000  # characters of one
_FIELD_MOST: Final = 16 * 1024  # octets
_SIGNATURES_MOST: Final = 10
_WORDS_MOST: Final = 500  # characters of subject and text of a mail
_LIST: Final = b"list-unsubscribe"
_POST: Final = b"list-unsubscribe-post"
_ONE_CLICK: Final = "list-unsubscribe=one-click"
_PLAIN: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")


class Kind(StrEnum):
    """What it takes."""

    ONE_CLICK = "oneclick"  # this host asks theirs, at once
    MAIL = "mail"  # a letter of the reader's
    LINK = "link"  # a page of theirs


@dataclass(frozen=True, slots=True)
class Offer:
    """The best way of those offered.

    Args:
        url: https, of ONE_CLICK and LINK.
        where: host or address, as people read it.
        to, subject, text: of MAIL.
    """

    kind: Kind
    where: str
    url: str = ""
    to: str = ""
    subject: str = ""
    text: str = ""


def offer(prefix: bytes, raw: bytes) -> Offer | None:
    """What a message offers, None for nothing that can be used. Linear in `raw`'s header.

    Args:
        prefix: `Message.prefix`, which our own doors wrote.
        raw: the message as shown, or its header.
    """
    block = scan(raw)
    # Of several fields nobody knows which one a signature is of.
    if block.count(_LIST) != 1:
        return None
    ways = list(_ways(_unfolded(block.first(_LIST) or b"")))
    links = [url for url in ways if _is_https(url)]
    letters = [one for url in ways if (one := _letter(url)) is not None]
    if links and _is_one_click(block) and _is_signed(prefix, block):
        return Offer(Kind.ONE_CLICK, _host(links[0]), links[0])
    if letters:
        return letters[0]
    return Offer(Kind.LINK, _host(links[0]), links[0]) if links else None


def _unfolded(value: bytes) -> str:
    return value[:_FIELD_MOST].decode("latin-1").replace("\r", "").replace("\n", "")


def _ways(value: str) -> Iterator[str]:
    """What stands in angle brackets (RFC 2369 section 2), without the white space of folding."""
    at = 0
    for _ in range(MOST):
        start = value.find("<", at)
        end = value.find(">", start + 1)
        if start < 0 or end < 0:
            return
        at = end + 1
        url = "".join(value[start + 1 : end].split())
        if len(url) <= LONGEST and _PLAIN.fullmatch(url):
            yield url


def _is_https(url: str) -> bool:
    if not url.lower().startswith("https://"):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    # "@" before the host, a port, or a bare number: an address that shows other than it is.
    return (
        parts.username is None
        and parts.password is None
        and port in {None, 443}
        and _HOST.fullmatch(_host(url)) is not None
        and not _host(url).rpartition(".")[2].isdigit()
    )


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _letter(url: str) -> Offer | None:
    """A mailto URL (RFC 6068) to one address; of its fields the subject and the text."""
    if not url.lower().startswith("mailto:"):
        return None
    address, _, query = url[7:].partition("?")
    try:
        to = Address.parse(unquote(address, errors="strict"))
        fields = parse_qs(query, max_num_fields=10)
    except (AddressError, ValueError):
        return None
    lower = {name.lower(): values[0] for name, values in fields.items()}
    return Offer(
        Kind.MAIL,
        str(to),
        to=str(to),
        subject=_line(lower.get("subject", "")) or "unsubscribe",
        text=_line(lower.get("body", "")),
    )


def _line(text: str) -> str:
    """One printable line: nobody writes header fields of ours."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:_WORDS_MOST]).split())


def _is_one_click(block: HeaderBlock) -> bool:
    if block.count(_POST) != 1:
        return False
    return "".join(_unfolded(block.first(_POST) or b"").split()).lower() == _ONE_CLICK


def _is_signed(prefix: bytes, block: HeaderBlock) -> bool:
    """Whether a signature that we found valid covers both fields."""
    value = scan(prefix).first(b"authentication-results") if prefix else None
    found = results.read(value) if value is not None else None
    if found is None or not found.host or block.is_cut:
        return False
    good = [one for one in found.results if (one.method, one.result) == ("dkim", "pass")]
    signatures = [block.value(one) for one in block.fields if one.name == b"dkim-signature"]
    if len(signatures) > _SIGNATURES_MOST:
        return False
    tagged = [_tags(raw) for raw in signatures]
    for one in good:
        named = [tags for tags in tagged if _is_of(one, tags)]
        # Of several that begin alike nobody knows which one is good: a false one costs nothing.
        if len(named) == 1 and _covers(named[0]):
            return True
    return False


def _tags(raw: bytes) -> dict[str, str]:
    """RFC 6376 section 3.2; without white space, which means nothing in those read here."""
    found: dict[str, str] = {}
    for piece in _unfolded(raw).split(";")[:40]:
        name, is_tag, value = piece.partition("=")
        if is_tag:
            found.setdefault(name.strip(), "".join(value.split()))
    return found


def _is_of(one: Finding, tags: dict[str, str]) -> bool:
    """Whether a result is of this signature: domain and, as we write it, the beginning of `b=`
    (RFC 6008)."""
    if domain_of(one.get("header", "d")) != domain_of(tags.get("d", "")) or "d" not in tags:
        return False
    start = one.get("header", "b")
    return bool(start) and tags.get("b", "").startswith(start)


def _covers(tags: dict[str, str]) -> bool:
    names = {name.lower() for name in tags.get("h", "").split(":")}
    return {_LIST.decode(), _POST.decode()} <= names
