"""The words in which delivery and the code that speaks with other servers understand each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where mail is to be handed over. `key` is the queue's name for it (`mx/example.org`).

    Args:
        kind: mx asks for MX records of `host` (a domain, A-label) and applies its TLS policy; smtp
            and lmtp go to `host` itself (a name or an IP address), as an administrator said.
        port: 0 is SMTP_OUT_PORT.
        tls: for smtp and lmtp, a value of `directory.TransportTls`; for mx, `optional` has mail go
            where the domain's own TLS policy fails.
    """

    key: str
    kind: Literal["mx", "smtp", "lmtp"]
    host: str
    port: int = 0
    tls: str = "opportunistic"
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A RCPT with its DSN parameters (RFC 3461); `ref` is the caller's own, given back."""

    ref: int
    address: str
    orcpt: str = ""
    notify: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One MAIL transaction. `text` is the whole message as it is to be read, CRLF line ends, not
    yet dot-stuffed."""

    sender: str  # "" is the null reverse-path
    recipients: tuple[Recipient, ...]
    text: bytes
    smtputf8: bool = False
    requires_tls: bool = False
    envid: str = ""
    ret: str = ""


class Outcome(StrEnum):
    """What became of a recipient."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"  # 4xx, or nobody could be reached
    FAILED = "failed"  # 5xx, or it can never work


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one recipient, and who said so.

    Args:
        ref: `Recipient.ref`.
        code: the reply's code, 0 if no reply says it.
        status: enhanced status code (RFC 3463), made up from what happened if the reply has none.
        reply: the reply's text or our own words, printable, at most 500 characters.
        is_remote: whether `reply` is the remote's.
        host: MX or transport host, "" if none was reached; `address` its IP address and port.
        tls: version, cipher and how it was verified, "" without TLS.
        kept_dsn: the remote takes over the duty to report (RFC 3461 s5.2.2): it offered DSN.
    """

    ref: int
    outcome: Outcome
    code: int
    status: str
    reply: str
    is_remote: bool = False
    host: str = ""
    address: str = ""
    tls: str = ""
    kept_dsn: bool = False


class HopUnreachableError(Exception):
    """No server of a destination could be used: says nothing about any message.

    Args:
        status: enhanced status code (4.4.1 no answer, 4.7.5 TLS policy, 5.1.2 no such domain,
            5.1.10 null MX, 5.4.6 leads back to us, …); 5.x.x is permanent.
        reply: what happened, in words; the last reply of a server if there was one.
        attempts: each host that was tried with what it said, for the transcript.
    """

    def __init__(
        self,
        status: str,
        reply: str,
        *,
        code: int = 0,
        is_remote: bool = False,
        host: str = "",
        address: str = "",
        attempts: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{status} {reply}")
        self.status = status
        self.reply = reply
        self.code = code
        self.is_remote = is_remote
        self.host = host
        self.address = address
        self.attempts = tuple(attempts)

    @property
    def is_permanent(self) -> bool:
        return self.status.startswith("5")
