"""Mail that comes, goes, waits and is kept while the pictures are taken: all of it by the doors of
the service, so that the console tells of it as it would of anybody's."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from smtplib import SMTPException
from typing import Final

from tests.support.installation import Installation
from tests.support.smtp_sink import SmtpSink

HOME: Final = "@fernhill.example"
SECONDS: Final = 120.0
# Sender, recipient, subject.
COMES: Final = (
    ("Orders <orders@timber-yard.example>", "jonas", "Oak boards, delivery on Tuesday"),
    ("Glasshouse <hello@glasshouse.example>", "priya", "Drawings of the winter garden"),
    ("Rowan Hale <rowan@stone-works.example>", "maya", "Slate for the steps: three samples"),
    ("Planning <office@planning.example>", "ruth", "Application 26/0148: a question"),
    ("The printers <desk@printers.example>", "tomasz", "Your plans are printed"),
    ("Who <who@typo.example>", "nadja", "Are you there?"),
)
GOES: Final = (
    ("maya", "jonas@fernhill.example", "The steps: who comes on Friday?"),
    ("jonas", "rowan@stone-works.example", "Re: Slate for the steps"),
    ("maya", "rowan@stone-works.example", "The second sample, please"),
    ("priya", "hello@glasshouse.example", "Re: Drawings of the winter garden"),
    ("tomasz", "desk@printers.example", "Ten more of sheet 4"),
    ("ruth", "clerk@planning.example", "Re: Application 26/0148"),
)
KEPT: Final = (
    ("Invoices <billing@invoices.example>", "priya", "Invoice 4471", "invoice.iso"),
    ("Parcels <dispatch@parcels.example>", "tomasz", "Your parcel waits for you", "label.iso"),
    ("Rowan Hale <rowan@stone-works.example>", "maya", "Survey of the quarry", "survey.iso"),
)
# What other servers say, and to what.
ANSWERS: Final = {
    "RCPT rowan@stone-works.example": "452 4.2.2 The mailbox of this user is full, try again later",
    "RCPT hello@glasshouse.example": "451 4.7.1 Greylisted, please come back in five minutes",
    "RCPT clerk@planning.example": "550 5.1.1 There is nobody of this name here",
}
DOMAINS: Final = ("stone-works", "glasshouse", "printers", "planning", "timber-yard")
RECORDS: Final = "".join(
    f'{name} MX 10 mx.{name}\nmx.{name} A 127.0.0.1\n{name} TXT "v=spf1 ip4:127.0.0.1 -all"\n'
    for name in DOMAINS
)
"""Of the zone `example.`."""
COUNTED: Final = "from apps.trace.tasks import roll; roll()"


@contextmanager
def servers() -> Iterator[SmtpSink]:
    """The other servers, all of them by one port."""
    with SmtpSink() as sink:
        for step, answer in ANSWERS.items():
            sink.on(step, answer)
        yield sink


def flow(service: Installation) -> None:
    """An hour of a small office, in half a minute."""
    service.manage("attachments", "set", "server", "ending", "iso", "quarantine")
    with service.smtp() as door:
        for author, to, subject in COMES:
            with suppress(SMTPException):  # one of them has nobody's address
                door.send_message(_letter(author, to + HOME, subject))
        for author, to, subject, name in KEPT:
            letter = _letter(author, to + HOME, subject)
            letter.add_attachment(b"\0" * 2048, "application", "octet-stream", filename=name)
            door.send_message(letter)
    for sender, to, subject in GOES:
        with service.smtp("SUBMISSIONS") as door:
            door.login(sender + HOME, f"{sender}-demo-mail")
            door.send_message(_letter(sender + HOME, to, subject))
    with service.imap(f"jonas{HOME}", "jonas-demo-mail") as client:
        client.select_folder("INBOX")
        oak = ["SUBJECT", COMES[0][2]]
        service.wait_for(lambda: client.noop() and client.search(oak), SECONDS, "no mail came")
        client.add_flags(client.search(oak), [b"\\Seen", b"\\Flagged"])
        client.move(client.search(oak), "Archive")
    service.wait_for(
        lambda: not any(row["state"] == "accepted" for row in service.queue()),
        SECONDS,
        "mail is not looked at",
        pause=0.7,
    )
    service.manage("shell", "-v0", "-c", COUNTED)


def _letter(author: str, to: str, subject: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = author, to, subject
    letter["Date"] = format_datetime(datetime.now(UTC))
    letter["Message-ID"] = make_msgid(domain=author.rstrip(">").rpartition("@")[2])
    letter.set_content(f"{subject}.\n\nMore of it by telephone, if you like.\n")
    return letter
