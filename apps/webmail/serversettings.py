"""What people type into a mail program: the doors of this installation that are open."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings

_DOORS: Final = (
    ("IMAPS_LISTEN", "Incoming (IMAP)", "TLS"),
    ("IMAP_LISTEN", "Incoming (IMAP)", "STARTTLS"),
    ("POP3S_LISTEN", "Incoming (POP3)", "TLS"),
    ("POP3_LISTEN", "Incoming (POP3)", "STARTTLS"),
    ("SUBMISSIONS_LISTEN", "Outgoing (SMTP)", "TLS"),
    ("SUBMISSION_LISTEN", "Outgoing (SMTP)", "STARTTLS"),
)


@dataclass(frozen=True, slots=True)
class Server:
    """One door."""

    what: str
    host: str
    port: int
    security: str


def servers() -> list[Server]:
    """The doors that are open to mail programs, of each sort the better one first (RFC 8314)."""
    found = []
    for name, what, security in _DOORS:
        where = getattr(settings, name)
        if where is not None:
            found.append(Server(what, settings.MAIL_HOSTNAME, where.port, security))
    return found
