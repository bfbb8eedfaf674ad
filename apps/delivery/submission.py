"""The one door out: what a user may send, and what is added and hidden on the way (RFC 6409).

`reverse_path` and `submit` read a message as a user handed it in (by SMTP, webmail or API) and say
which fields our prefix must add (Date, Message-ID, From: RFC 6409 s8; Sender: RFC 5322 s3.6.2) and
which byte ranges of it readers must not see (Bcc, a client's Return-Path). The bytes themselves
stay as they came. Both refuse an author who is not the user, nor lets the user write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import NotRequired, TypedDict, Unpack
from uuid import UUID

from apps.directory import authority as authorities
from apps.directory.authority import Authority, Writer
from apps.mime import headers
from apps.mime.address import Address, AddressError
from apps.mime.addresslist import mailboxes
from apps.mime.dates import format_date
from apps.mime.derive import message_id as kept_message_id
from apps.mime.headers import HeaderBlock
from apps.runtime.ulid import ulid_text
from apps.wire.errors import Refused, SenderNotAllowed
from apps.wire.replies import Reply

HIDDEN = frozenset({b"bcc", b"resent-bcc", b"return-path"})
FROM_LIMIT = 50  # addresses in one From field, and in all Resent-From and Resent-Sender fields


class HeaderRefused(Refused):
    """A header block that no honest client writes."""

    reply = Reply(554, "5.6.0", "The header of this message is not valid")


@dataclass(frozen=True, slots=True)
class Prepared:
    """`fields` goes before the message, after our Received; `cuts` are hidden from readers;
    `message_id` is what the store keeps of the Message-ID, whoever wrote it."""

    fields: bytes
    cuts: tuple[tuple[int, int], ...]
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """The envelope sender to use, None for the null path, and by what right."""

    address: Address | None
    authority: Authority = Authority.NONE


def reverse_path(user_id: int, sender: Address | None) -> Path:
    """Return the envelope sender to use where a user names `sender`. Reads the directory.

    It is `sender` if the user may write as it or on behalf of it. By the domain's policy it is the
    user's own address in place of a foreign one: bounces are the user's, and SPF is ours.

    Raises:
        SenderNotAllowed: the address is somebody else's.
    """
    if sender is None:
        return Path(None)
    right = authorities.authority(user_id, sender)
    if right is not Authority.NONE:
        return Path(sender, right)
    writer = authorities.writer(user_id)
    if writer is None or not writer.may_borrow(sender):
        raise SenderNotAllowed(f"user {user_id} as {sender}")
    return Path(writer.address, Authority.OWN)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message says of who wrote it. `authors` are of From, `resenders` of the fields of
    somebody who sends it again; None: there is no such field."""

    block: HeaderBlock
    authors: tuple[Address, ...] | None
    sender: tuple[Address, ...] | None
    resenders: tuple[Address, ...]

    def is_plain(self, rights: Mapping[Address, Authority]) -> bool:
        """Whether all is said with these rights: one author at the most, and no one else."""
        named = {*(self.authors or ()), *(self.sender or ()), *self.resenders}
        return len(self.authors or ()) < 2 and all(
            rights.get(one, Authority.NONE) >= Authority.SEND_AS for one in named
        )


def read(raw: bytes) -> Letter:
    """Read the header of a message, CRLF line ends. Pure.

    Raises:
        HeaderRefused: several From fields, or an address in them that cannot be read.
    """
    block = headers.scan(raw)
    if block.is_cut:
        raise HeaderRefused("header block over the limit")
    return Letter(
        block=block,
        authors=_single(block, b"from"),
        sender=_single(block, b"sender"),
        resenders=_resenders(block),
    )


class Known(TypedDict):
    """What a door knows of a message.

    sender: what the user writes as (`reverse_path`), for a From field that is missing.
    message_id: made per message; becomes the Message-ID where the client left it out.
    now_us: Unix microseconds, for a Date that is missing.
    rights: the user's rights to addresses, as far as somebody has asked before.
    """

    user_id: int
    sender: Address
    message_id: UUID
    now_us: int
    hostname: str
    rights: NotRequired[Mapping[Address, Authority]]


def submit(raw: bytes, **known: Unpack[Known]) -> Prepared:
    """Check and complete a submitted message: `complete` of `read`."""
    return complete(read(raw), **known)


def complete(letter: Letter, **known: Unpack[Known]) -> Prepared:
    """Check who wrote a letter, and say what is to be added and hidden. Reads the directory, but
    for a letter that is plain with the rights that are known.

    Raises:
        SenderNotAllowed: a From or Sender address is not the user's, nor lent to it.
    """
    origin = _Origin(letter, known["user_id"], known["sender"], known.get("rights", {}))
    missing, written_id = _missing(letter.block, known)
    if origin.new_sender is not None:
        missing += f"Sender: {origin.new_sender}\r\n".encode()
    hidden = HIDDEN | {b"sender"} if origin.hides_sender else HIDDEN
    return Prepared(
        fields=missing,
        cuts=tuple((item.start, item.end) for item in letter.block.fields if item.name in hidden),
        message_id=written_id or kept_message_id(letter.block),
    )


def separator(raw: bytes) -> bytes:
    """What must stand between our prefix and the message: an empty line if it has no header block.

    Without it the first lines of a bare text would be read as part of our header.
    """
    if raw.startswith((b"\r\n", b"\n")):
        return b""
    block = headers.scan(raw[:2000])
    return b"" if block.fields and block.fields[0].start == 0 else b"\r\n"


class _Origin:
    """Who says that he wrote it, against who did (RFC 5322 section 3.6.2): who reads mail believes
    the From field.

    `new_sender`: what our Sender field must say, None if none is to be added; `hides_sender`: the
    client's own one is to go for it.
    """

    def __init__(
        self,
        letter: Letter,
        user_id: int,
        given: Address,
        rights: Mapping[Address, Authority],
    ) -> None:
        self._user_id = user_id
        self._rights = dict(rights)
        self.new_sender: Address | None = None
        self.hides_sender = False
        self._must_be_own(letter.resenders)
        self._check(letter.authors or (given,), letter.sender)

    def _check(self, authors: Sequence[Address], sender: Sequence[Address] | None) -> None:
        rights = {one: self._authority(one) for one in authors}
        for one, right in rights.items():
            if right is Authority.NONE and not self._writer.may_borrow(one):
                raise _not_allowed(one)
        if sender is not None and not self._is_own(sender):
            if not self._writer.adds_sender:
                self._must_be_own(sender)
            self.hides_sender = True
        # Several authors need one who sent it, as does one who is spoken for.
        needs_sender = min(rights.values()) < Authority.SEND_AS or len(authors) > 1
        if self.hides_sender or (needs_sender and sender is None):
            self.new_sender = self._writer.address

    def _authority(self, address: Address) -> Authority:
        if address not in self._rights:
            self._rights[address] = authorities.authority(self._user_id, address)
        return self._rights[address]

    def _is_own(self, addresses: Sequence[Address]) -> bool:
        return all(self._authority(one) >= Authority.SEND_AS for one in addresses)

    def _must_be_own(self, addresses: Sequence[Address]) -> None:
        for one in addresses:
            if self._authority(one) < Authority.SEND_AS:
                raise _not_allowed(one)

    @cached_property
    def _writer(self) -> Writer:
        found = authorities.writer(self._user_id)
        if found is None:
            raise SenderNotAllowed(f"no user {self._user_id}")
        return found


def _not_allowed(address: Address) -> SenderNotAllowed:
    return SenderNotAllowed(
        f"author {address}", text="The From address does not belong to this account"
    )


def _single(block: HeaderBlock, name: bytes) -> tuple[Address, ...] | None:
    values = block.all(name)
    if len(values) > 1:
        word = name.decode().capitalize()
        raise HeaderRefused(f"{len(values)} {word} fields", text=f"Two {word} fields")
    return tuple(_authors(values[0])) if values else None


def _resenders(block: HeaderBlock) -> tuple[Address, ...]:
    values = [value for name in (b"resent-from", b"resent-sender") for value in block.all(name)]
    found: list[Address] = []
    for value in values:
        found += _authors(value)
        if len(found) > FROM_LIMIT:  # each of them costs a question
            raise HeaderRefused("too many resenders", text="Too many Resent-From fields")
    return tuple(found)


def _authors(value: bytes) -> list[Address]:
    authors = mailboxes(value)
    if not authors or len(authors) > FROM_LIMIT:
        raise HeaderRefused(f"{len(authors)} authors", text="The From field names nobody")
    try:
        return [
            Address.build((one.local or b"").decode(), (one.host or b"").decode())
            for one in authors
        ]
    except (AddressError, UnicodeDecodeError) as error:
        raise HeaderRefused(str(error), text="The From field cannot be read") from None


def _missing(block: HeaderBlock, known: Known) -> tuple[bytes, str]:
    """The fields RFC 5322 s3.6 wants and the client left out; and the Message-ID among them."""
    lines = []
    if block.first(b"from") is None:
        lines.append(f"From: {known['sender']}")
    if block.first(b"date") is None:
        at = datetime.fromtimestamp(known["now_us"] / 1_000_000, UTC)
        lines.append(f"Date: {format_date(at)}")
    written = ""
    if block.first(b"message-id") is None:
        written = f"<{ulid_text(known['message_id']).lower()}@{known['hostname']}>"
        lines.append(f"Message-ID: {written}")
    return "".join(f"{line}\r\n" for line in lines).encode(), written
