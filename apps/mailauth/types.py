"""What was found out about who sent a message: the words of RFC 8601, and the facts behind them.

Values that others use (the door that refuses, the queue that remembers, the trace that tells) and
that nothing here acts upon. Texts in `reason` are ours; every other text is a stranger's, bounded
and free of control characters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Result(StrEnum):
    """A result as Authentication-Results names it (RFC 8601 section 2.7)."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a word of the protocol
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    POLICY = "policy"  # it holds, and we do not take it (RFC 8601 section 2.7.1)
    TEMPERROR = "temperror"  # the DNS did not answer
    PERMERROR = "permerror"


class Policy(StrEnum):
    """What a domain asks for mail that fails DMARC (RFC 7489 section 6.3)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Client:
    """The connection that a message came by.

    Args:
        address: IP address as text; an IPv4-mapped one stands as IPv4. "" if there is none.
        helo: what it called itself in EHLO or HELO, as it came.
        sender: the reverse-path, "" for the null path.
        hostname: our own name: authserv-id, receiver.
    """

    address: str
    helo: str
    sender: str
    hostname: str


@dataclass(frozen=True, slots=True)
class Iprev:
    """Whether the address has a name that leads back to it (RFC 8601 section 3).

    Args:
        name: that name, A-label; if there is none that leads back, one of those it claims, or "".
    """

    result: Result = Result.NONE
    name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Spf:
    """Whether a domain lets the address use its name (RFC 7208).

    Args:
        domain: that was checked, A-label.
        scope: mfrom or helo. The null path is checked as postmaster@HELO under mfrom (section 2.4).
        mechanism: that matched, as its record writes it: `include:_spf.example.org`, "default" if
            none did.
        explanation: what the domain says of a fail (section 6.2), printable ASCII, bounded; it is
            a stranger's text and shown as such.
    """

    result: Result = Result.NONE
    domain: str = ""
    scope: str = "mfrom"
    reason: str = ""
    mechanism: str = ""
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Dkim:
    """One DKIM-Signature.

    Args:
        domain, selector: d= and s=, A-labels; "" if unreadable.
        identity: i= or its default `@domain`.
        algorithm: a= of a readable signature: rsa-sha256.
        value: the first octets of b= (header.b, RFC 6008), to tell several apart.
        is_testing: the key's record has t=y: a failure counts as no signature.
    """

    result: Result = Result.NONE
    domain: str = ""
    selector: str = ""
    identity: str = ""
    algorithm: str = ""
    value: str = ""
    reason: str = ""
    is_testing: bool = False


@dataclass(frozen=True, slots=True)
class Arc:
    """The chain of those who handed a message on (RFC 8617).

    Args:
        instance: the highest one; 0 without a chain.
        sealers: d= of each seal, first to last, as far as the chain was read.
        vouched: the trusted sealer whose own results show that the author was authenticated when
            the message came to it (`d=`), "" if there is none: it lifts a DMARC failure.
    """

    result: Result = Result.NONE  # none, pass, fail, temperror
    instance: int = 0
    sealers: tuple[str, ...] = ()
    vouched: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dmarc:
    """Whether the author's domain stands behind the message, and what it asks for if not.

    Args:
        author: domain of From, A-label; "" if there is not exactly one.
        domain: whose record it is (`_dmarc.DOMAIN`), the author's or its organisational domain.
        record: that record as published, bounded; "" without one.
        policy: what it asks for this author (p= or sp=), before pct and before ARC.
        disposition: what is to be done: `policy`, less what pct= spares and ARC lifts.
        spf, dkim: which one was aligned.
        override: why disposition differs from policy, a word of RFC 7489 appendix C:
            sampled_out, trusted_forwarder (ARC), local_policy, "".
    """

    result: Result = Result.NONE
    author: str = ""
    domain: str = ""
    record: str = ""
    policy: Policy = Policy.NONE
    disposition: Policy = Policy.NONE
    spf: bool = False
    dkim: bool = False
    override: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Authentication:
    """Everything together. The default is a message of which nothing was asked."""

    iprev: Iprev = Iprev()
    helo: Spf = Spf(scope="helo")
    spf: Spf = Spf()
    dkim: tuple[Dkim, ...] = ()
    arc: Arc = Arc()
    dmarc: Dmarc = field(default_factory=Dmarc)

    @property
    def is_temporary(self) -> bool:
        """Whether the DNS owes an answer that DMARC needed."""
        return self.dmarc.result is Result.TEMPERROR

    @property
    def proven(self) -> tuple[str, ...]:
        """Domains that are behind the message for certain: of passing signatures, and of a passing
        SPF check of the reverse-path. Without duplicates, From's own first."""
        found = [one.domain for one in self.dkim if one.result is Result.PASS]
        if self.spf.result is Result.PASS:
            found.append(self.spf.domain)
        found.sort(key=lambda name: name != self.dmarc.author)
        return tuple(dict.fromkeys(name for name in found if name))

    def as_data(self) -> dict[str, Any]:
        """For queue and trace, as JSON: what says nothing is left out; `from_data` reads it."""
        data: dict[str, Any] = {}
        for name in _PARTS:
            if (told := _told(getattr(self, name))) or name == "dmarc":
                data[name] = told
        if self.dkim:
            data["dkim"] = [_told(one) for one in self.dkim]
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Authentication":
        """Read what `as_data` made; what is missing has its default."""
        parts = {name: _read(kind, data.get(name, {})) for name, kind in _PARTS.items()}
        if "helo" not in data:
            parts["helo"] = Spf(scope="helo")
        return cls(**parts, dkim=tuple(_read(Dkim, one) for one in data.get("dkim", ())))


_PARTS: dict[str, Any] = {"iprev": Iprev, "helo": Spf, "spf": Spf, "arc": Arc, "dmarc": Dmarc}


def _told(part: Any) -> dict[str, Any]:
    """The fields that differ from the default."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, usual in _USUAL[type(part)]
        if (value := getattr(part, name)) != usual
    }


def _usual(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The fields of a part with their defaults."""
    usual = kind()
    return tuple((name, getattr(usual, name)) for name in kind.__dataclass_fields__)


_USUAL: dict[Any, tuple[tuple[str, Any], ...]] = {
    kind: _usual(kind) for kind in (Iprev, Spf, Dkim, Arc, Dmarc)
}


def _read(kind: Any, data: Mapping[str, Any]) -> Any:
    values: dict[str, Any] = {}
    for name in kind.__dataclass_fields__:
        if name not in data:
            continue
        value, usual = data[name], getattr(kind(), name)
        if isinstance(usual, StrEnum):
            value = type(usual)(value)
        values[name] = tuple(value) if isinstance(usual, tuple) else value
    return kind(**values)
