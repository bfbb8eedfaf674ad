"""What name servers said, as values: bounded, and cleaned of nothing. Judged in `judging`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from apps.mailauth.types import Spf

RECORDS_MOST: Final = 50  # of one answer
LONGEST: Final = 4_096  # characters of a record

Key = tuple[str, str]
"""Name (lower case, no final dot) and type."""


class Outcome(StrEnum):
    """How an answer ended."""

    RECORDS = "records"
    EMPTY = "empty"  # the name is there, without such a record
    NO_NAME = "no name"
    REFUSED = "refused"
    FAILED = "failed"  # SERVFAIL, or another error
    SILENT = "silent"  # nothing in time
    GARBLED = "garbled"  # what cannot be read
    LOOP = "loop"  # of CNAMEs
    ALIAS = "alias"  # a CNAME out of the zone, not followed yet
    LAME = "lame"  # an answer of somebody who is not in charge of the zone
    TOO_MUCH = "too much"  # the server sends more than is read

    @property
    def is_answer(self) -> bool:
        """Whether it says what the zone has."""
        return self in {Outcome.RECORDS, Outcome.EMPTY, Outcome.NO_NAME}


@dataclass(frozen=True, slots=True)
class Reply:
    """What one server said to one question.

    Args:
        server: its name or address, for people.
        records: TXT as joined text, all others in zone-file form with whole names, lower case.
        ttl: seconds.
        canonical: where CNAMEs led; "" if there were none.
        is_secure: it says that DNSSEC proved it.
    """

    server: str
    outcome: Outcome
    records: tuple[str, ...] = ()
    ttl: int = 0
    canonical: str = ""
    is_secure: bool = False


class Problem(StrEnum):
    """Why a zone cannot be read."""

    NONE = ""
    OFFLINE = "offline"  # our own resolver is not there, or not online
    NO_ZONE = "no zone"
    BOGUS = "bogus"  # DNSSEC
    LAME = "lame"  # its servers do not know of it
    SILENT = "silent"  # its servers do not answer
    FORBIDDEN = "forbidden"  # its servers are at addresses that are not asked


@dataclass(frozen=True, slots=True)
class Zone:
    """Who is in charge.

    Args:
        name: of the zone; "" if there is none.
        servers: names of its servers.
        problem: what keeps others from reading it.
        has_apex_alias: there is a CNAME at the domain's own name.
    """

    name: str = ""
    servers: tuple[str, ...] = ()
    problem: Problem = Problem.NONE
    has_apex_alias: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """All that was said about a domain.

    Args:
        asked_at: when.
        own: by those in charge of its zone.
        others: by resolvers.
        hosts: what resolvers say of the addresses of mail hosts that MX records name.
        spf: what its SPF record says of each of our addresses.
        addresses: of this host, from which mail leaves; `seen_addresses` are those in the DNS now.
        stray: a name that nobody has, asked for to find wildcards.
    """

    domain: str
    asked_at: datetime
    zone: Zone
    own: Mapping[Key, tuple[Reply, ...]] = field(default_factory=dict)
    others: Mapping[Key, tuple[Reply, ...]] = field(default_factory=dict)
    hosts: Mapping[str, Reply] = field(default_factory=dict)
    spf: Mapping[str, Spf] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    seen_addresses: tuple[str, ...] = ()
    stray: str = ""

    def all_of(self, key: Key) -> tuple[Reply, ...]:
        """Everybody's answers."""
        return (*self.own.get(key, ()), *self.others.get(key, ()))
