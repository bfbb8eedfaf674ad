"""Where programs that only fetch mail put it: a command of their user's keeps each message, or a
server that speaks LMTP.

getmail hands its mail to the server: it writes no Maildir for root, whom tests may run as, and it
waits in vain for any command that ends before it has begun to wait (a child that exits between its
fork and its Condition.wait is noticed after 60 s, as a failure).
"""

from tests.clients.desk import Desk
from tests.support.smtp_sink import SmtpSink

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


class Handed:
    """The messages that getmail handed on over LMTP."""

    def __init__(self, desk: Desk, sink: SmtpSink) -> None:
        self.desk = desk
        self.sink = sink

    @property
    def destination(self) -> str:
        """The lines of getmail's configuration that stand in place of the Maildir's."""
        host = f"host = {self.sink.host}\nport = {self.sink.port}\n"
        return f"type = MDA_lmtp\n{host}override = me@home.test\n"

    def texts(self) -> list[bytes]:
        """In CRLF lines, sorted, without the `>` that getmail sets before a line's "From "."""
        return sorted(
            message.text.replace(b"\n>From ", b"\nFrom ") for message in self.sink.messages
        )
