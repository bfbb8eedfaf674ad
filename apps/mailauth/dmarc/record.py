"""DMARC records: read from TXT (RFC 7489 section 6.3), tolerant where it says so.

A tag nobody knows, or whose value makes no sense, is as if it were not there. What cannot be read
around is an error: no request that is understood, and nobody to tell of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from apps.mailauth.types import Policy
from apps.mime.address import Address, AddressError

SIZE_MAX: Final = 4_096  # octets; honest ones have a hundred
TAGS_MAX: Final = 40
REPORTS_MAX: Final = 10
# What is no record of ours is left out without a word (section 6.6.3 step 2); DMARC1 in this case
# alone.
_VERSION: Final = re.compile(rb"[vV][ \t]*+=[ \t]*+DMARC1[ \t]*+(?:;|\Z)")
_KNOWN: Final = frozenset("v p sp pct adkim aspf rua ruf fo rf ri t np psd".split())
_SIZE: Final = re.compile(r"([0-9]{1,15})([kmgt]?)\Z")
_UNITS: Final = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


class RecordError(ValueError):
    """A DMARC record that says nothing to go by; the text is ours and says why."""


@dataclass(frozen=True, slots=True)
class Report:
    """Where reports go.

    Args:
        address: of a mailto URI, for the wire.
        size_max: octets it takes at most, None if it does not say.
    """

    address: str
    size_max: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """What a domain asks for.

    Args:
        policy: p=.
        subdomain_policy: sp=, or `policy`.
        percent: pct=, 0 to 100.
        is_testing: t=y (RFC 9989 section 4.7): the domain tries its policy out.
        reports: rua=, as far as we can send there.
    """

    policy: Policy
    subdomain_policy: Policy
    percent: int = 100
    is_testing: bool = False
    is_dkim_strict: bool = False
    is_spf_strict: bool = False
    reports: tuple[Report, ...] = ()


def is_record(text: bytes) -> bool:
    """Whether a TXT record is meant as one of DMARC's."""
    return _VERSION.match(text) is not None


def parse(text: bytes) -> Record:
    """Read what `is_record` let through.

    Raises:
        RecordError
    """
    if len(text) > SIZE_MAX:
        raise RecordError("the record is too long")
    tags = _tags(text.decode("ascii", "replace"))
    reports = _reports(tags.get("rua", ""))
    policy = _policy(tags.get("p"))
    subdomain_policy = _policy(tags["sp"]) if "sp" in tags else policy
    if policy is None or subdomain_policy is None:
        # Section 6.6.3 step 6: such a domain wants to see, at least.
        if not reports:
            raise RecordError("the record asks for nothing that is known")
        policy = subdomain_policy = Policy.NONE
    return Record(
        policy=policy,
        subdomain_policy=subdomain_policy,
        percent=_percent(tags.get("pct", "")),
        is_testing=tags.get("t", "").lower() == "y",
        is_dkim_strict=tags.get("adkim", "").lower() == "s",
        is_spf_strict=tags.get("aspf", "").lower() == "s",
        reports=reports,
    )


def _tags(text: str) -> Mapping[str, str]:
    """Known tags by name; of the rest nothing is an error, not even its form."""
    tags: dict[str, str] = {}
    for piece in text.split(";", TAGS_MAX)[:TAGS_MAX]:
        name, equals, value = piece.partition("=")
        name = name.strip(" \t").lower()
        if not equals or name not in _KNOWN:
            continue
        if name in tags:
            # Which one is meant? RFC 6376 section 3.2, whose lists these are: the list is void.
            raise RecordError("a tag stands twice in the record")
        tags[name] = value.strip(" \t")
    return tags


def _policy(value: str | None) -> Policy | None:
    try:
        return Policy((value or "").lower())
    except ValueError:
        return None


def _percent(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 4):
        return 100
    return min(int(value), 100)


def _reports(value: str) -> tuple[Report, ...]:
    found = (_report(uri.strip(" \t")) for uri in value.split(",", REPORTS_MAX)[:REPORTS_MAX])
    return tuple(one for one in found if one is not None)


def _report(uri: str) -> Report | None:
    """Section 6.2: `mailto:dmarc@example.org!10m`; "!" and "," of an address are encoded."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "mailto":
        return None
    target, mark, limit = rest.partition("!")
    size = _SIZE.match(limit.lower()) if mark else None
    try:
        address = Address.parse(unquote(target.partition("?")[0], errors="strict"))
    except (AddressError, UnicodeDecodeError):
        return None
    if (mark and size is None) or not address.is_ascii or address.is_literal:
        return None
    return Report(str(address), int(size[1]) << _UNITS[size[2]] if size else None)
