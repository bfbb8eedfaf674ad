"""What one SMTP door allows, and what it therefore advertises: the two cannot disagree."""

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from apps.directory.signin import bindings_at
from apps.runtime.clock import now
from apps.smtp.envelope import SmtpSession
from apps.smtp.proto.limits import Limits
from apps.smtp.proto.parameters import UNKNOWN_PARAMETER, MailParameters
from apps.wire.mechanisms import offered
from apps.wire.replies import Reply
from apps.wire.sasl import PASSWORD_MECHANISMS

_HELD_TOO_LONG = Reply(501, "5.5.4", "Mail is not held that long, see FUTURERELEASE in EHLO")


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
        hides_client: the Received field does not tell where a user sits.
    """

    door: str
    hostname: str
    limits: Limits = field(default_factory=Limits)
    lmtp: bool = False
    starttls: bool = False
    auth: bool = False
    mechanisms: tuple[str, ...] = tuple(PASSWORD_MECHANISMS)
    cleartext_loopback: bool = False
    hides_client: bool = True

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

    def offered(self, session: SmtpSession) -> list[str]:
        """The mechanisms by which users may sign in on this connection."""
        usable = offered(bindings_at(self.door, session.bindings), secure=bool(session.ssl))
        return [name for name in self.mechanisms if name in usable]

    def features(self, session: SmtpSession) -> list[str]:
        """The lines of an EHLO answer after the host name."""
        lines = ["PIPELINING", f"SIZE {self.limits.message}", "8BITMIME", "SMTPUTF8"]
        lines += ["ENHANCEDSTATUSCODES", "CHUNKING", "DSN"]
        if self.may_start_tls(session):
            lines.append("STARTTLS")
        if self.may_sign_in(session) and not session.authenticated:
            lines.append(f"AUTH {' '.join(self.offered(session))}")
        if session.ssl:
            lines.append("REQUIRETLS")  # RFC 8689 section 2: under TLS alone
        if self.auth:
            lines.append(self._future_release())
        # RFC 9422 section 4. What a user may send is known when it has signed in.
        most = self.limits.recipients
        if session.most_recipients:
            most = min(session.most_recipients, most)
        if session.authenticated or not self.auth:
            lines.append(f"LIMITS RCPTMAX={most}")
        return lines

    def _future_release(self) -> str:
        latest = datetime.fromtimestamp(now() + self.limits.hold_seconds, UTC)
        return f"FUTURERELEASE {self.limits.hold_seconds} {latest:%Y-%m-%dT%H:%M:%SZ}"

    def refusal(self, session: SmtpSession, parameters: MailParameters) -> Reply | None:
        """Why parameters of MAIL are not taken on this connection; None if they are."""
        is_held = parameters.hold_for is not None or parameters.hold_until is not None
        if (is_held and not self.auth) or (parameters.requires_tls and not session.ssl):
            return UNKNOWN_PARAMETER  # not offered, and so not known
        ahead = max(parameters.hold_for or 0, (parameters.hold_until or 0) - now())
        return _HELD_TOO_LONG if ahead > self.limits.hold_seconds else None


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
