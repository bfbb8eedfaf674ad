"""Where programs that only fetch mail put it: a command of their user's keeps each message.

A command rather than a Maildir, because getmail writes no Maildir for root, whom tests may run as.
"""

from tests.clients.desk import Desk

DELIVER = """\
#!/bin/sh
exec cat >"$(mktemp "%HOME%/mail/XXXXXXXX")"
"""


class Collection:
    """The messages that came so far, and the command that takes them (`%HOME%/deliver`)."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.mail = desk.home / "mail"
        self.mail.mkdir()
        desk.write("deliver", DELIVER).chmod(0o700)

    def texts(self) -> list[bytes]:
        """In CRLF lines, sorted."""
        kept = [file.read_bytes() for file in self.mail.iterdir()]
        return sorted(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for raw in kept)
