"""A letter as it is typed, put together as a message. Pure.

The message is `prefix` and tail: the tail is its files, made once for as long as they stay the
same (`tail`), the prefix all that is before them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from apps.mime.address import Address, AddressError
from apps.mime.compose_header import message_id
from apps.mime.composing import letter, plain, whole
from apps.mime.composing.letter import Heading
from apps.mime.composing.people import people
from apps.webmail.writers import Choice
from apps.webmail.writing.fields import Fields


@dataclass(frozen=True, slots=True)
class Thread:
    """What makes a letter one of a conversation; ids with their angle brackets."""

    message_id: str
    in_reply_to: str = ""
    references: str = ""


def text_of(fields: Fields) -> str:
    """The words of a letter, a line for a paragraph."""
    return fields.text if fields.is_plain else plain.worded(fields.html)


def prefix(
    fields: Fields,
    thread: Thread,
    choice: Choice,
    *,
    at: int,
    offset: int,
    html: str,
    files: bytes,
) -> bytes:
    """All of a message that stands before its files.

    Args:
        at: Unix seconds, for Date; `offset` the writer's zone, minutes east of UTC.
        html: what others get (`cleaning.outgoing`); not looked at in a plain letter.
        files: the tail.
    """
    document = "" if fields.is_plain else whole.DOCUMENT % html
    heading = _heading(fields, thread, choice, at, offset)
    return whole.prefix(heading, text_of(fields), document, files)


def new_id(random: bytes, at: int, choice: Choice) -> str:
    """A Message-ID at the domain of who writes."""
    domain = Address.parse(choice.address).domain
    return message_id(datetime.fromtimestamp(at, UTC), random, domain)


def _heading(fields: Fields, thread: Thread, choice: Choice, at: int, offset: int) -> Heading:
    sender = (choice.name, Address.parse(choice.address))
    return Heading(
        sender=sender,
        at=datetime.fromtimestamp(at, UTC),
        offset=offset,
        message_id=thread.message_id,
        to=people(fields.to).found,
        cc=people(fields.cc).found,
        bcc=people(fields.bcc).found,
        reply_to=_reply_to(choice),
        subject=fields.subject,
        in_reply_to=thread.in_reply_to,
        references=thread.references,
        wants_receipt=fields.has_receipt,
    )


def _reply_to(choice: Choice) -> tuple[letter.Someone, ...]:
    try:
        return (("", Address.parse(choice.reply_to)),) if choice.reply_to else ()
    except AddressError:
        return ()
