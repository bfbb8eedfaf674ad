"""The answer itself: header and text (RFC 3834 section 3). Pure.

Of the message that is answered only its subject and its ids come back, cleaned and short: what a
stranger wrote is never sent on to whom a stranger named.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from apps.mime import dsn
from apps.mime.address import Address
from apps.mime.compose_header import date_field, fold, fold_addresses
from apps.mime.headers import HeaderBlock, clean

MARK: Final = "{subject}"
PLAIN_SUBJECT: Final = "Auto: {subject}"  # RFC 3834 section 3.1.5
SUBJECT_MOST: Final = 200  # characters of the subject that is answered
REFERENCES_MOST: Final = 20
_ID: Final = re.compile(rb"<[!-;=?-~]{1,500}>")


@dataclass(frozen=True, slots=True)
class Answered:
    """What an answer takes over of its message. `message_id` is "" if it has none."""

    subject: str
    message_id: str
    references: tuple[str, ...]

    @classmethod
    def of(cls, block: HeaderBlock) -> "Answered":
        """Read it from a header."""
        ids = _ids(block.last(b"message-id"))[:1]
        before = _ids(block.last(b"references")) or _ids(block.last(b"in-reply-to"))[:1]
        references = [*before, *ids][-REFERENCES_MOST:]
        return cls(block.text(b"subject")[:SUBJECT_MOST], ids[0] if ids else "", tuple(references))


def _ids(value: bytes | None) -> list[str]:
    return [one.decode() for one in _ID.findall(value or b"")]


def subject_of(pattern: str, subject: str) -> str:
    """The subject of an answer. The mark is replaced, never what stands in its place."""
    words = pattern.strip() or PLAIN_SUBJECT
    return clean(words.replace(MARK, clean(subject)[:SUBJECT_MOST]))


def compose(
    *,
    sender: tuple[str, Address],
    to: Address,
    pattern: str,
    text: str,
    answered: Answered,
    message_id: str,
    at_us: int,
) -> bytes:
    """The whole answer, CRLF line ends.

    Args:
        sender: name and address of who is away.
        pattern: of the subject; "" for the usual one.
        message_id: with its angle brackets.
        at_us: Unix microseconds.
    """
    utf8 = not (to.is_ascii and sender[1].is_ascii)
    head = [
        fold_addresses("From", [sender], utf8=utf8),
        fold_addresses("To", [("", to)], utf8=utf8),
        fold("Subject", subject_of(pattern, answered.subject), utf8=utf8),
        date_field(datetime.fromtimestamp(at_us // 1_000_000, UTC)),
        fold("Message-ID", message_id),
    ]
    if answered.message_id:
        head.append(fold("In-Reply-To", answered.message_id))
    if answered.references:
        head.append(fold("References", " ".join(answered.references)))
    body = ("\r\n".join(text.splitlines()) + "\r\n").encode("utf-8", "replace")
    return b"".join(
        (
            *head,
            # RFC 3834 section 3.1.7; the second is for Exchange, which answers answers otherwise.
            b"Auto-Submitted: auto-replied\r\n",
            b"X-Auto-Response-Suppress: All\r\n",
            b"MIME-Version: 1.0\r\n",
            b"Content-Type: text/plain; charset=utf-8\r\n",
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
            dsn.quoted_printable(body),
        )
    )
