"""A letter made of what was sent: whom it goes to, and its octets."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from apps.api.problems import Fault, Wrong
from apps.delivery import envelope
from apps.delivery.envelope import NotTaken, Why
from apps.directory.models import User
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime.address import Address
from apps.mime.compose_header import message_id
from apps.mime.composing import whole
from apps.mime.composing.filename import normal, normal_type
from apps.mime.composing.letter import Heading, Someone
from apps.mime.composing.people import people
from apps.mime.composing.tail import Piece
from apps.mime.headers import clean
from apps.mime.htmltext import html_lines
from apps.runtime.clock import now_us
from apps.wire.errors import TooManyRecipients

LONGEST_HOLD: Final = timedelta(days=30)
_SECOND_US: Final = 1_000_000
_CODES: Final = {
    Why.UNKNOWN: "unknown_recipient",
    Why.SUSPENDED: "account_suspended",
    Why.LOOP: "loop_detected",
    Why.FULL: "quota_exceeded",
}
Places = dict[Address, str]
"""Addresses, each with the field where it stands first."""


def until_us(at: datetime | None, pointer: str) -> int:
    """Unix microseconds until which a letter is held back; 0 for none. Raises Wrong."""
    if at is None:
        return 0
    until = int(at.timestamp() * _SECOND_US)
    ahead = until - now_us()
    if ahead <= 0:
        raise Wrong(Fault(pointer, "invalid", "This time is over: name one that is to come"))
    if ahead > LONGEST_HOLD.total_seconds() * _SECOND_US:
        words = f"Letters are held for up to {LONGEST_HOLD.days} days"
        raise Wrong(Fault(pointer, "invalid", words))
    return until


def someone(text: str, pointer: str) -> Someone:
    """A name and an address; raises Wrong."""
    read = people(text)
    if read.odd or len(read.found) != 1:
        raise Wrong(Fault(pointer, "invalid_address", "This is not one address of mail"))
    return read.found[0]


def places(lists: Mapping[str, Iterable[Someone]]) -> Places:
    """All who are written to, each once."""
    found: Places = {}
    known: set[str] = set()
    for name, some in lists.items():
        for number, (_, address) in enumerate(some):
            if address.key not in known:
                known.add(address.key)
                found[address] = f"{name}/{number}"
    return found


def recipients(written: Places, pointer: str) -> tuple[EnvelopeRecipient, ...]:
    """Who gets it in the end.

    Args:
        pointer: the field to name where there are none, or too many.

    Raises:
        Wrong
    """
    if not written:
        raise Wrong(Fault(pointer, "required", "Name somebody to send it to"))
    try:
        return envelope.recipients(list(written))
    except NotTaken as error:
        raise Wrong(Fault(written[error.address], _CODES[error.why], error.reply.text)) from None
    except TooManyRecipients as error:
        raise Wrong(Fault(pointer, "too_many_recipients", error.reply.text)) from None


def lists(asked: Mapping[str, Any]) -> dict[str, list[Someone]]:
    """The people in each field of a letter. Raises Wrong."""
    return {
        f"/{name}": [someone(text, f"/{name}/{number}") for number, text in enumerate(asked[name])]
        for name in ("to", "cc", "bcc")
    }


def sender(asked: Mapping[str, Any], user: User) -> Someone:
    """Whom a letter comes from. Raises Wrong."""
    if "sender" not in asked:
        return user.name, Address.parse(user.address)
    return someone(asked["sender"], "/sender")


def octets(
    asked: Mapping[str, Any],
    author: Someone,
    people_of: Mapping[str, Sequence[Someone]],
    at_us: int,
) -> bytes:
    """The whole message.

    Args:
        at_us: Unix microseconds of its Date.
    """
    at = datetime.fromtimestamp(at_us // _SECOND_US, UTC)
    heading = Heading(
        sender=author,
        at=at,
        message_id=message_id(at, secrets.token_bytes(16), author[1].domain),
        to=people_of["/to"],
        cc=people_of["/cc"],
        bcc=people_of["/bcc"],
        reply_to=[
            someone(text, f"/reply_to/{number}") for number, text in enumerate(asked["reply_to"])
        ],
        subject=clean(asked["subject"]),
        in_reply_to=asked["in_reply_to"],
        references=asked["references"],
    )
    html = asked["html"]
    text = asked.get("text")
    words = html_lines(html) if text is None else _lines(text)
    return whole.whole(heading, words, html, _pieces(asked), secrets.token_hex(16))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def _pieces(asked: Mapping[str, Any]) -> list[Piece]:
    return [
        Piece(
            name=normal(one["name"]),
            media_type=normal_type(one["media_type"]),
            read=partial(bytes, one["content"]),
            cid=one.get("content_id", ""),
        )
        for one in asked["attachments"]
    ]
