"""Mail whose every value is known, and a plain filter over it: what a search has to find."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from apps.mailstore.models import (
    FLAG_ANSWERED,
    FLAG_DELETED,
    FLAG_DRAFT,
    FLAG_FLAGGED,
    FLAG_SEEN,
    Mailbox,
)
from apps.mailstore.services.append import Appending
from apps.mime.searchtext import folded
from apps.search.language.nodes import (
    Attached,
    Days,
    Every,
    In,
    Is,
    Label,
    Leaf,
    Mark,
    Mine,
    Node,
    Not,
    Octets,
    Some,
    Text,
    Where,
)
from tests.mailstore.making import appended, prepared

NOW = 1_795_600_000
_BITS = {
    Mark.READ: FLAG_SEEN,
    Mark.STARRED: FLAG_FLAGGED,
    Mark.ANSWERED: FLAG_ANSWERED,
    Mark.DRAFT: FLAG_DRAFT,
    Mark.DELETED: FLAG_DELETED,
}


@dataclass
class Mail:
    """A message as it was made, and where it lies."""

    sender: str = "Bob Baker <bob@example.test>"
    to: str = "alice@example.test"
    cc: str = ""
    bcc: str = ""
    subject: str = "Lunch"
    body: str = "At noon?"
    filename: str = ""
    flags: int = 0
    keywords: tuple[str, ...] = ()
    date: int = NOW
    mailbox: Mailbox | None = None
    uid: int = 0
    size: int = 0

    def raw(self) -> bytes:
        """Its octets."""
        message = EmailMessage()
        names = {"From": self.sender, "To": self.to, "Cc": self.cc, "Bcc": self.bcc}
        for name, value in (names | {"Subject": self.subject}).items():
            if value:
                message[name] = value
        message.set_content(self.body)
        if self.filename:
            message.add_attachment(
                b"\0\1", maintype="application", subtype="x-some", filename=self.filename
            )
        return message.as_bytes(policy=SMTP)

    @property
    def key(self) -> tuple[int, int]:
        """Mailbox and UID."""
        return (self.mailbox.pk if self.mailbox else 0), self.uid

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it stands in a list."""
        return (self.date, *self.key)


def file(mailbox: Mailbox, mails: Sequence[Mail]) -> list[Mail]:
    """Append them; they know where they lie then."""
    messages = [
        Appending(prepared(mail.raw()), mail.date, flags=mail.flags, keywords=mail.keywords)
        for mail in mails
    ]
    for mail, result in zip(mails, appended(mailbox, messages), strict=True):
        mail.mailbox, mail.uid, mail.size = mailbox, result.uid, len(mail.raw())
    return list(mails)


def fulfils(node: Node, mail: Mail, me: str = "alice@example.test") -> bool:
    """Whether a message is what a query asks for, found out without any index or SQL."""
    match node:
        case Not(one):
            return not fulfils(one, mail, me)
        case Every(many):
            return all(fulfils(one, mail, me) for one in many)
        case Some(many):
            return any(fulfils(one, mail, me) for one in many)
        case Text(where, text):
            return any(folded(text) in folded(value) for value in _values(mail, where))
        case Mine(where):
            return fulfils(Text(where, me), mail)
        case _:
            return _has(node, mail)


def _has(leaf: Leaf, mail: Mail) -> bool:
    match leaf:
        case Is(Mark.FORWARDED):
            return "$Forwarded" in mail.keywords
        case Is(mark):
            return bool(mail.flags & _BITS[mark])
        case Attached():
            return bool(mail.filename)
        case Label(name):
            labels = [one for one in mail.keywords if not one.startswith("$")]
            return name.lower() in [one.lower() for one in labels] if name else bool(labels)
        case In(name):
            assert mail.mailbox is not None
            return not name or name.lower() in (mail.mailbox.name.lower(), mail.mailbox.special_use)
        case Octets(is_larger, octets):
            return mail.size > octets if is_larger else mail.size < octets
        case Days(first, until):
            day = datetime.fromtimestamp(mail.date, UTC).date()
            return (first is None or day >= first) and (until is None or day < until)
        case _:
            raise AssertionError(leaf)


def newest_first(mails: Iterable[Mail]) -> list[Mail]:
    """In the order of results."""
    return sorted(mails, key=lambda mail: mail.place, reverse=True)


def _values(mail: Mail, where: Where) -> list[str]:
    values = {
        Where.FROM: [mail.sender],
        Where.CC: [mail.cc],
        Where.BCC: [mail.bcc],
        Where.SUBJECT: [mail.subject],
        Where.BODY: [mail.body],
        Where.FILENAME: [mail.filename],
    }
    values[Where.TO] = [mail.to, mail.cc, mail.bcc]
    values[Where.ANYWHERE] = [one for found in values.values() for one in found]
    return values[where]
