"""The one door out: what a user may send, and what is added and hidden on the way (RFC 6409).

`submit` reads a message as a user handed it in (by SMTP, webmail or API) and says which fields our
prefix must add (Date, Message-ID, From: RFC 6409 s8) and which byte ranges of it readers must not
see (Bcc, a client's Return-Path). The bytes themselves stay as they came. It refuses a From or
Sender that is not the user's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from apps.directory import permissions
from apps.mime import headers
from apps.mime.address import Address, AddressError
from apps.mime.addresslist import mailboxes
from apps.mime.dates import format_date
from apps.mime.headers import HeaderBlock
from apps.runtime.ulid import ulid_text
from apps.wire.errors import Refused, SenderNotAllowed
from apps.wire.replies import Reply

HIDDEN = frozenset({b"bcc", b"resent-bcc", b"return-path"})
FROM_LIMIT = 50  # addresses in one From field


class HeaderRefused(Refused):
    """A header block that no honest client writes."""

    reply = Reply(554, "5.6.0", "The header of this message is not valid")


@dataclass(frozen=True, slots=True)
class Prepared:
    """`fields` goes before the message, after our Received; `cuts` are hidden from readers."""

    fields: bytes
    cuts: tuple[tuple[int, int], ...]


def submit(
    raw: bytes, *, user_id: int, sender: Address, message_id: UUID, now_us: int, hostname: str
) -> Prepared:
    """Check and complete a submitted message. Reads the directory.

    Args:
        raw: the message, CRLF line ends.
        sender: an address of the user, for a From field that is missing.
        message_id: made per message; becomes the Message-ID where the client left it out.
        now_us: Unix microseconds, for a Date that is missing.

    Raises:
        SenderNotAllowed: a From or Sender address is not the user's.
        HeaderRefused: several From fields, or an address in them that cannot be read.
    """
    block = headers.scan(raw)
    _check_origin(block, lambda address: permissions.may_send_as(user_id, address))
    return Prepared(
        fields=_missing(block, sender, message_id, now_us, hostname),
        cuts=tuple((item.start, item.end) for item in block.fields if item.name in HIDDEN),
    )


def separator(raw: bytes) -> bytes:
    """What must stand between our prefix and the message: an empty line if it has no header block.

    Without it the first lines of a bare text would be read as part of our header.
    """
    if raw.startswith((b"\r\n", b"\n")):
        return b""
    block = headers.scan(raw[:2000])
    return b"" if block.fields and block.fields[0].start == 0 else b"\r\n"


def _check_origin(block: HeaderBlock, is_own: Callable[[Address], bool]) -> None:
    """Every author must be the user (RFC 5322 s3.6.2): who reads mail believes the From field."""
    if block.is_cut:
        raise HeaderRefused("header block over the limit")
    for name in (b"from", b"sender", b"resent-from", b"resent-sender"):
        values = block.all(name)
        if len(values) > 1 and not name.startswith(b"resent"):
            raise HeaderRefused(f"{len(values)} {name.decode()} fields", text="Two From fields")
        for value in values:
            _check_authors(value, is_own)


def _check_authors(value: bytes, is_own: Callable[[Address], bool]) -> None:
    authors = mailboxes(value)
    if not authors or len(authors) > FROM_LIMIT:
        raise HeaderRefused(f"{len(authors)} authors", text="The From field names nobody")
    for author in authors:
        try:
            address = Address.build((author.local or b"").decode(), (author.host or b"").decode())
        except (AddressError, UnicodeDecodeError) as error:
            raise HeaderRefused(str(error), text="The From field cannot be read") from None
        if not is_own(address):
            raise SenderNotAllowed(
                f"author {address}", text="The From address does not belong to this account"
            )


def _missing(
    block: HeaderBlock, sender: Address, message_id: UUID, now_us: int, hostname: str
) -> bytes:
    """The fields RFC 5322 s3.6 wants and the client left out."""
    lines = []
    if block.first(b"from") is None:
        lines.append(f"From: {sender}")
    if block.first(b"date") is None:
        lines.append(f"Date: {format_date(datetime.fromtimestamp(now_us / 1_000_000, UTC))}")
    if block.first(b"message-id") is None:
        lines.append(f"Message-ID: <{ulid_text(message_id).lower()}@{hostname}>")
    return "".join(f"{line}\r\n" for line in lines).encode()
