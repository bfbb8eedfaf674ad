"""What was found of a domain's records, in words for people."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from apps.dnscheck.records import Kind, Wanted


class Standing(StrEnum):
    """How a record stands."""

    RIGHT = "right"
    BETTER = "better"  # works, and can be better
    WRONG = "wrong"
    MISSING = "missing"
    WAITING = "waiting"  # changed at the authoritative servers; others still have the old one
    UNSET = "unset"  # optional, and not there
    ELSEWHERE = "elsewhere"  # somebody said that it is like this on purpose
    UNKNOWN = "unknown"  # not asked yet, or no answer


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a record that was found, compared with what is wanted.

    Args:
        text: characters of it.
        mark: "" as it should be; "extra" should not be there; "lacking" is not there and should.
    """

    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one record stands.

    Args:
        sentence: what is so, and what to do; never with the text of a stranger unescaped.
        found: records that are there, as strings; at most a few, each cut to a bearable length.
        pieces: the first one against the wanted one, where that helps: a typing error.
        seen: how many of those that were `asked` gave the wanted record.
        expires_at: when the last old copy in a cache ends; of WAITING.
        is_alarming: wrong in two checks in a row.
    """

    wanted: Wanted
    standing: Standing
    sentence: str
    found: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    seen: int = 0
    asked: int = 0
    expires_at: datetime | None = None
    is_alarming: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """All records of a domain.

    Args:
        host: who serves its zone, a domain name such as "dns-host.example"; "" if not known.
        checked_at: of the last check that has ended; None before the first.
        is_checking: one is under way, or asked for.
        trouble: why nothing could be found out, one calm sentence; "" if it could.
        is_elsewhere: somebody said that the domain's DNS is as it is on purpose: no alerts.
        lost_host: the name that this host gives itself, if nobody can find it by that; else "".
    """

    domain: str
    findings: tuple[Finding, ...]
    host: str = ""
    checked_at: datetime | None = None
    is_checking: bool = False
    trouble: str = ""
    is_elsewhere: bool = False
    lost_host: str = ""

    @property
    def right(self) -> int:
        """How many are as they should be, or left so on purpose."""
        good = {Standing.RIGHT, Standing.BETTER, Standing.ELSEWHERE}
        return sum(finding.standing in good for finding in self.findings)

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.findings)

    def of(self, kind: Kind) -> tuple[Finding, ...]:
        """Those of a kind."""
        return tuple(one for one in self.findings if one.wanted.kind is kind)


@dataclass(frozen=True, slots=True)
class Summary:
    """A domain in a list.

    Args:
        standings: the worst of each kind; kinds that it does not have are left out.
        is_alarming: something is wrong in two checks in a row, and not on purpose.
    """

    domain_id: int
    right: int
    total: int
    standings: dict[Kind, Standing]
    checked_at: datetime | None
    is_alarming: bool
    is_elsewhere: bool
