"""What TLS a connection to one mail server must have, and what to make of the TLS it got.

Every handshake is made without verification and judged afterwards: only so does each failure get
its own word in a TLS report (RFC 8460 section 4.3), and only so can mail go on where a policy is
merely being tested (RFC 8461 section 5) or no policy asks for a certificate.
"""

import ssl
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from apps.remote import certificates, dane
from apps.remote.certificates import Finding, Problem
from apps.resolver.base import TlsaData

NOT_OFFERED: Final = "4.7.4"
"""Enhanced status: TLS is required, and the server does not offer it."""
NOT_VERIFIED: Final = "4.7.5"
"""Enhanced status: TLS failed, or the server is not proved to be the right one."""


class Level(StrEnum):
    """How much TLS; the order is from nothing to most."""

    NONE = "none"  # never STARTTLS
    MAY = "may"  # TLS if offered and working, whoever answers; else in the clear
    ENCRYPT = "encrypt"  # TLS, whoever answers
    VERIFY = "verify"  # TLS with a certificate for the host's name, by an authority we trust
    DANE = "dane"  # TLS with a certificate that the host's TLSA records name


class PolicyType(StrEnum):
    """Under which policy a connection counts in a report (RFC 8460 section 4.2)."""

    TLSA = "tlsa"
    STS = "sts"
    NONE = "no-policy-found"


class Failure(StrEnum):
    """result-type of RFC 8460 section 4.3."""

    STARTTLS_NOT_SUPPORTED = "starttls-not-supported"
    HOST_MISMATCH = "certificate-host-mismatch"
    EXPIRED = "certificate-expired"
    NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    DANE_REQUIRED = "dane-required"
    STS_FETCH = "sts-policy-fetch-error"
    STS_INVALID = "sts-policy-invalid"
    STS_WEBPKI = "sts-webpki-invalid"


_FAILURES = {
    Problem.EXPIRED: Failure.EXPIRED,
    Problem.HOST_MISMATCH: Failure.HOST_MISMATCH,
    Problem.NOT_TRUSTED: Failure.NOT_TRUSTED,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a handshake, or its absence, means for mail.

    Args:
        may_use: mail may go over this connection as it is now.
        try_plain: connect again, and send without TLS (`may_use` is then False).
        is_verified: the certificate is the host's, by DANE or by a trusted authority.
        failure: for the report; None is success.
        reason: what is wrong, in words for the administrator; "" if nothing.
        status: enhanced status code of `reason`, "" if nothing is wrong.
        tls: version, cipher and verification, for the trace; "" without TLS.
    """

    may_use: bool
    try_plain: bool = False
    is_verified: bool = False
    failure: Failure | None = None
    reason: str = ""
    status: str = ""
    tls: str = ""


@dataclass(frozen=True, slots=True)
class Demand:
    """What TLS a connection to `host` must have.

    Args:
        domain: the next hop's domain, A-label; reports are made for it. "": none is.
        host: the server's name, A-label, or an IP address.
        level: what must be so for mail to be sent.
        policy_type, policy, patterns: for the report.
        is_enforced: False: the policy is being tested; failures are told, mail goes on.
        is_host_authentic: the host's name came by secure DNS, a policy or an administrator, so that
            REQUIRETLS may rely on it (RFC 8689 section 4.2.1).
        names: names of which the certificate must have one.
        server_name: for the handshake (SNI); None for an IP address.
        tlsa: usable TLSA records; the certificate must match one.
        refusal: set if the host must not be used at all; do not connect.
        note: what is wrong with the policy although mail goes on.
    """

    domain: str
    host: str
    level: Level = Level.MAY
    policy_type: PolicyType = PolicyType.NONE
    policy: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    is_enforced: bool = True
    is_host_authentic: bool = False
    names: tuple[str, ...] = ()
    server_name: str | None = None
    tlsa: tuple[TlsaData, ...] = ()
    refusal: Verdict | None = None
    note: Verdict | None = None

    @property
    def wants_tls(self) -> bool:
        """Whether to say STARTTLS where it is offered."""
        return self.level is not Level.NONE

    @property
    def must_tls(self) -> bool:
        """Whether mail waits rather than goes in the clear."""
        return self.is_enforced and self.level not in {Level.NONE, Level.MAY}

    def context(self) -> ssl.SSLContext:
        """The context for the handshake (shared; verifies nothing: `verify` does)."""
        return certificates.context(is_strict=self.must_tls)

    def not_offered(self) -> Verdict:
        """The server does not offer STARTTLS, or answered it with an error."""
        reason = f"{self.host} does not offer TLS, which {self._who} requires"
        if self.must_tls:
            return Verdict(
                may_use=False,
                failure=Failure.STARTTLS_NOT_SUPPORTED,
                reason=reason,
                status=NOT_OFFERED,
            )
        return Verdict(may_use=True, failure=Failure.STARTTLS_NOT_SUPPORTED)

    def handshake_failed(self, error: BaseException) -> Verdict:
        """The handshake failed or took too long; the connection is of no use any more."""
        return Verdict(
            may_use=False,
            try_plain=not self.must_tls,
            failure=Failure.VALIDATION,
            reason=f"the TLS handshake with {self.host} failed: {_words(error)}",
            status=NOT_VERIFIED,
        )

    def verify(self, tls: ssl.SSLObject) -> Verdict:
        """Judge the TLS of a finished handshake. About a millisecond; no I/O."""
        chain = certificates.chain_of(tls)
        if self.level is Level.DANE:
            found = dane.problem(self.tlsa, chain, self.names)
        else:
            found = certificates.problem(chain, self.names)
        how = ("dane" if self.level is Level.DANE else "trusted") if found is None else "untrusted"
        cipher = tls.cipher()
        told = f"{tls.version()} {cipher[0] if cipher else ''} {how}"
        if found is None:
            return Verdict(may_use=True, is_verified=True, tls=told)
        if self.level not in {Level.VERIFY, Level.DANE}:
            return Verdict(may_use=True, tls=told)
        return replace(self._failed(found), may_use=not self.is_enforced, tls=told)

    def _failed(self, found: Finding) -> Verdict:
        failure = _FAILURES[found.problem]
        if self.level is Level.DANE and found.problem is Problem.NOT_TRUSTED:
            failure = Failure.VALIDATION  # nobody's trust was asked: the records do not match
        return Verdict(
            may_use=False,
            failure=failure,
            reason=f"{self.host} is not verified as {self._who} requires: {found.reason}",
            status=NOT_VERIFIED,
        )

    @property
    def _who(self) -> str:
        if self.policy_type is PolicyType.TLSA:
            return f"DANE of {self.domain}"
        if self.policy_type is PolicyType.STS:
            return f"the MTA-STS policy of {self.domain}"
        return "the policy of this service"


def _words(error: BaseException) -> str:
    """What a handshake died of, without a traceback's clutter."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    reason = getattr(error, "reason", None)  # of an SSLError, if OpenSSL gave one
    if isinstance(error, ssl.SSLError) and reason:
        return str(reason).lower().replace("_", " ")
    if isinstance(error, OSError):
        return error.strerror or "the connection was closed"
    return "the connection was closed"
