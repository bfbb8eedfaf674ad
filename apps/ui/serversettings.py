"""What people type into a mail program: the doors of this installation that are open. Pages show
it, and mail programs are told when they ask (apps.wellknown)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.conf import settings


class Protocol(StrEnum):
    """What is spoken behind a door."""

    IMAP = "imap"
    POP3 = "pop3"
    SMTP = "smtp"


_DOORS: Final = (
    ("IMAPS_LISTEN", Protocol.IMAP, "Incoming (IMAP)", "TLS"),
    ("IMAP_LISTEN", Protocol.IMAP, "Incoming (IMAP)", "STARTTLS"),
    ("POP3S_LISTEN", Protocol.POP3, "Incoming (POP3)", "TLS"),
    ("POP3_LISTEN", Protocol.POP3, "Incoming (POP3)", "STARTTLS"),
    ("SUBMISSIONS_LISTEN", Protocol.SMTP, "Outgoing (SMTP)", "TLS"),
    ("SUBMISSION_LISTEN", Protocol.SMTP, "Outgoing (SMTP)", "STARTTLS"),
)


@dataclass(frozen=True, slots=True)
class Server:
    """One door.

    Args:
        security: "TLS" from the first octet, or "STARTTLS".
    """

    what: str
    host: str
    port: int
    security: str
    protocol: Protocol


def servers() -> list[Server]:
    """The doors that are open to mail programs, of each sort the better one first (RFC 8314)."""
    found = []
    for name, protocol, what, security in _DOORS:
        where = getattr(settings, name)
        if where is not None:
            found.append(Server(what, settings.MAIL_HOSTNAME, where.port, security, protocol))
    return found
