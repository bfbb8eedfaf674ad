"""What one SMTP door allows, and what it therefore advertises: the two cannot disagree."""

import ipaddress
from dataclasses import dataclass, field

from apps.smtp.envelope import SmtpSession
from apps.smtp.proto.limits import Limits
from apps.wire.sasl import PASSWORD_MECHANISMS


@dataclass(frozen=True, slots=True)
class Rules:
    """One door.

    Args:
        door: the word queue and trace know it by: mx, submission or lmtp.
        hostname: how we call ourselves.
        lmtp: LHLO in place of EHLO, one reply per recipient after the text (RFC 2033).
        starttls: whether there is a certificate to do it with.
        auth: users sign in here, and nobody else may send.
        mechanisms: by which they may, best first.
        cleartext_loopback: passwords may come without TLS, from this machine only.
    """

    door: str
    hostname: str
    limits: Limits = field(default_factory=Limits)
    lmtp: bool = False
    starttls: bool = False
    auth: bool = False
    mechanisms: tuple[str, ...] = tuple(PASSWORD_MECHANISMS)
    cleartext_loopback: bool = False

    @property
    def greeting(self) -> str:
        """The words after 220."""
        return f"{self.hostname} {'LMTP' if self.lmtp else 'ESMTP'} ready"

    def may_start_tls(self, session: SmtpSession) -> bool:
        """Whether STARTTLS works now."""
        return self.starttls and not session.ssl

    def may_sign_in(self, session: SmtpSession) -> bool:
        """Whether a password may be sent over this connection."""
        if not self.auth:
            return False
        return bool(session.ssl) or (self.cleartext_loopback and is_loopback(session.address))

    def features(self, session: SmtpSession) -> list[str]:
        """The lines of an EHLO answer after the host name."""
        lines = ["PIPELINING", f"SIZE {self.limits.message}", "8BITMIME", "SMTPUTF8"]
        lines += ["ENHANCEDSTATUSCODES", "CHUNKING", "DSN"]
        if self.may_start_tls(session):
            lines.append("STARTTLS")
        if self.may_sign_in(session) and not session.authenticated:
            lines.append(f"AUTH {' '.join(self.mechanisms)}")
        return lines


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
