"""An SPF record, read: directives in their order, and the two modifiers (RFC 7208 sections 4-6).

Pure. The whole record is read before anything of it is used: one mistake anywhere makes all of it
a permerror (section 4.6). Work is linear in the length, which RECORD_MOST bounds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from apps.mailauth.spf import macros
from apps.mailauth.spf.macros import MacroError, Template
from apps.mailauth.types import Result

RECORD_MOST: Final = 8_192  # octets; the longest that are honestly published have some 4,000
REMEMBERED_MOST: Final = 512  # octets of a record that is kept read: most fit (section 3.4)
SHOWN: Final = 120  # characters of a term in what we tell of it
BITS4: Final = 32
BITS6: Final = 128

_VERSION: Final = b"v=spf1"
_UNPRINTABLE = re.compile(rb"[^ -~]")
_TERM = re.compile(r"([-+~?]?)([a-z][a-z0-9_.-]*+)(.*+)", re.ASCII | re.IGNORECASE)
_PREFIX4: Final = r"(?:/(0|[1-9][0-9]?))?"
_LENGTH6: Final = r"(0|[1-9][0-9]{0,2})"
# The last "/digits" or "//digits" only: a domain may have slashes of its own before its last label.
_PREFIXES = re.compile(rf"(.*?){_PREFIX4}(?://{_LENGTH6})?", re.ASCII)
_NETWORK4 = re.compile(rf":([0-9.]{{1,15}}+){_PREFIX4}", re.ASCII)
_NETWORK6 = re.compile(rf":([0-9a-f:.]{{1,45}}+)(?:/{_LENGTH6})?", re.ASCII | re.IGNORECASE)
_QUALIFIERS: Final = {
    "": Result.PASS,
    "+": Result.PASS,
    "-": Result.FAIL,
    "~": Result.SOFTFAIL,
    "?": Result.NEUTRAL,
}


class RecordError(ValueError):
    """A mistake in a record; the message says which, in printable ASCII."""


class Kind(StrEnum):
    """The mechanisms (section 5)."""

    ALL = "all"
    INCLUDE = "include"
    A = "a"
    MX = "mx"
    PTR = "ptr"
    IP4 = "ip4"
    IP6 = "ip6"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Directive:
    """A mechanism and its qualifier.

    Args:
        result: of the check if it matches.
        text: the term as written, cut to SHOWN characters.
        target: its domain-spec; None is the domain of the record.
        network: of ip4 and ip6, as a number.
        bits4, bits6: how many leading bits of an address count, by family.
    """

    kind: Kind
    result: Result
    text: str
    target: Template | None = None
    network: int = 0
    bits4: int = BITS4
    bits6: int = BITS6


@dataclass(frozen=True, slots=True)
class Record:
    """What a domain publishes."""

    directives: tuple[Directive, ...]
    redirect: Template | None = None
    explanation: Template | None = None


def is_record(text: bytes) -> bool:
    """Whether a TXT record is one of SPF, good or bad (section 4.5)."""
    return text[:6].lower() == _VERSION and text[6:7] in {b"", b" "}


def read(text: bytes) -> Record:
    """Read it; raise RecordError."""
    if len(text) > RECORD_MOST:
        raise RecordError(f"longer than {RECORD_MOST} octets")
    return _remembered(text) if len(text) <= REMEMBERED_MOST else _read(text)


def _read(text: bytes) -> Record:
    if _UNPRINTABLE.search(text):
        raise RecordError("not printable ASCII")
    directives: list[Directive] = []
    modifiers: dict[str, Template] = {}
    for term in text[len(_VERSION) :].decode("ascii").split(" "):
        if term:
            try:
                _read_term(term, directives, modifiers)
            except (MacroError, RecordError) as error:
                raise RecordError(f"{error}: {_shown(term)}") from None
    return Record(tuple(directives), modifiers.get("redirect"), modifiers.get("exp"))


# The records of the large senders come with every other message, and reading them was two thirds of
# a check. Of such a size and number that strangers' records fill 12 MB at the worst.
_remembered = lru_cache(maxsize=256)(_read)


def _read_term(term: str, directives: list[Directive], modifiers: dict[str, Template]) -> None:
    found = _TERM.fullmatch(term)
    if found is None:
        raise RecordError("not a term")
    qualifier, name, rest = found.groups()
    name = name.lower()
    if rest[:1] != "=":
        reader = _READERS.get(name)
        if reader is None:
            raise RecordError("not a mechanism")
        directives.append(reader(_QUALIFIERS[qualifier], term, rest))
    elif qualifier:
        raise RecordError("a modifier has no qualifier")
    elif name not in {"redirect", "exp"}:
        macros.read_text(rest[1:])  # for its mistakes only; we know no other modifier (section 6)
    elif name in modifiers:
        raise RecordError("twice in one record")
    else:
        modifiers[name] = macros.read_domain(rest[1:])


def _all(result: Result, term: str, rest: str) -> Directive:
    if rest:
        raise RecordError("nothing may follow all")
    return Directive(Kind.ALL, result, _shown(term))


def _with_domain(kind: Kind) -> Callable[[Result, str, str], Directive]:
    def reader(result: Result, term: str, rest: str) -> Directive:
        if rest[:1] != ":":
            raise RecordError(f"{kind} needs a domain")
        return Directive(kind, result, _shown(term), macros.read_domain(rest[1:]))

    return reader


def _ptr(result: Result, term: str, rest: str) -> Directive:
    return Directive(Kind.PTR, result, _shown(term), _own_or_other(rest))


def _with_prefixes(kind: Kind) -> Callable[[Result, str, str], Directive]:
    def reader(result: Result, term: str, rest: str) -> Directive:
        domain, bits4, bits6 = _take_prefixes(rest)
        return Directive(
            kind,
            result,
            _shown(term),
            _own_or_other(domain),
            bits4=_bits(bits4, BITS4),
            bits6=_bits(bits6, BITS6),
        )

    return reader


def _take_prefixes(rest: str) -> tuple[str, str | None, str | None]:
    """The dual-cidr-length at the end of `a` and `mx`, cut off."""
    found = _PREFIXES.fullmatch(rest)
    if found is None:
        raise RecordError("not a prefix length")
    return found[1], found[2], found[3]


def _ip4(result: Result, term: str, rest: str) -> Directive:
    found = _NETWORK4.fullmatch(rest)
    if found is None:
        raise RecordError("not an IPv4 network")
    network, bits = _network(IPv4Address, found[1]), _bits(found[2], BITS4)
    return Directive(Kind.IP4, result, _shown(term), network=network, bits4=bits)


def _ip6(result: Result, term: str, rest: str) -> Directive:
    found = _NETWORK6.fullmatch(rest)
    if found is None:
        raise RecordError("not an IPv6 network")
    network, bits = _network(IPv6Address, found[1]), _bits(found[2], BITS6)
    return Directive(Kind.IP6, result, _shown(term), network=network, bits6=bits)


def _network(kind: type[IPv4Address | IPv6Address], text: str) -> int:
    try:
        return int(kind(text))
    except AddressValueError:
        raise RecordError("not an address") from None


def _own_or_other(rest: str) -> Template | None:
    if not rest:
        return None
    if rest[0] != ":":
        raise RecordError("not a mechanism")
    return macros.read_domain(rest[1:])


def _bits(digits: str | None, most: int) -> int:
    bits = most if digits is None else int(digits)
    if bits > most:
        raise RecordError(f"a prefix is not longer than {most} bits")
    return bits


def _shown(term: str) -> str:
    return term if len(term) <= SHOWN else f"{term[:SHOWN]}..."


_READERS: Final[dict[str, Callable[[Result, str, str], Directive]]] = {
    Kind.ALL: _all,
    Kind.INCLUDE: _with_domain(Kind.INCLUDE),
    Kind.A: _with_prefixes(Kind.A),
    Kind.MX: _with_prefixes(Kind.MX),
    Kind.PTR: _ptr,
    Kind.IP4: _ip4,
    Kind.IP6: _ip6,
    Kind.EXISTS: _with_domain(Kind.EXISTS),
}
