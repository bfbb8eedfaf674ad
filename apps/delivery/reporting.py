"""One report as bytes: what became of recipients, in words and in fields. Pure.

Here the sides meet: `wording` for people, `mime.dsn` for programs, and what the reader may know.
Where an alias or a forward of ours sent a copy further, only the address that the reader wrote to
is told, and the other server's words are searched for the one it must not learn.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from apps.delivery.wording import About, Told, subject_of, text_of
from apps.mime import dsn
from apps.mime.address import Address, AddressError
from apps.mime.derive import message_id
from apps.mime.dsn import Action, Heading, RecipientStatus, Returned, Status
from apps.mime.headers import clean, scan
from apps.runtime.ulid import ulid_text

FROM_NAME = "Mail Delivery System"
REPORTER = "postmaster"  # it always reaches somebody, see directory.routing
HEADER_MAX = 64 * 1024  # bytes of header that go back
FULL_MAX = 1 << 20  # bytes of a message that goes back whole; of a larger one, its header


@dataclass(frozen=True, slots=True)
class Subject:
    """The message that is reported on.

    Args:
        is_ours: its sender has a mailbox here.
        shown: the message as it is read, b"" if that is lost.
        is_full: failures return it whole.
        host: our name.
    """

    sender: Address
    is_ours: bool
    shown: bytes
    received_at_us: int
    envelope_id: str
    is_full: bool
    host: str


class Fate(Protocol):
    """What became of a recipient; see `bounce.Fate`."""

    @property
    def address(self) -> str: ...
    @property
    def original(self) -> str: ...
    @property
    def orcpt(self) -> str: ...
    @property
    def action(self) -> Action: ...
    @property
    def status(self) -> str: ...
    @property
    def reply(self) -> str: ...
    @property
    def is_remote(self) -> bool: ...
    @property
    def code(self) -> int: ...
    @property
    def host(self) -> str: ...
    @property
    def at_us(self) -> int: ...
    @property
    def until_us(self) -> int: ...


def compose(subject: Subject, fates: Sequence[Fate], report_id: UUID, now_us: int) -> bytes:
    """Return the report on fates of one sort, dated `now_us`."""
    block = scan(subject.shown[: 2 * HEADER_MAX], limit=HEADER_MAX)
    about = About(
        subject=block.text(b"subject"),
        received_at_us=subject.received_at_us,
        now_us=now_us,
        until_us=max(fate.until_us for fate in fates),
    )
    told = list(dict.fromkeys(_told(subject, fate) for fate in fates))
    returned = _returned(subject, is_failure=fates[0].action is Action.FAILED)
    heading = Heading(
        sender=(FROM_NAME, _reporter(subject, fates)),
        to=subject.sender,
        subject=subject_of(about, told),
        at=_time(now_us),
        message_id=f"<{ulid_text(report_id).lower()}@{subject.host}>",
        about=message_id(block),
    )
    what = "" if returned is None else _names(returned)
    status = Status(
        reporting_mta=subject.host,
        recipients=tuple(dict.fromkeys(_fields(subject, fate, now_us) for fate in fates)),
        envelope_id=subject.envelope_id,
        arrival=_time(subject.received_at_us),
    )
    text = text_of(about, told, subject.host, what)
    return dsn.compose(heading, text, status, returned, utf8=not subject.sender.is_ascii)


def _names(returned: Returned) -> str:
    return "your message" if returned.is_full else "the header of your message"


def _reporter(subject: Subject, fates: Sequence[Fate]) -> Address:
    """Who signs: the postmaster of the domain that the reader deals with, so that the report is
    signed by its key. That is the reader's own, or the one written to."""
    known = subject.sender if subject.is_ours else _parsed(fates[0].original)
    return Address(REPORTER, subject.host if known is None else known.domain)


def _parsed(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except AddressError:
        return None


def _written(subject: Subject, fate: Fate) -> Address | None:
    """The address as the reader wrote it; `<postmaster>` has no domain."""
    if fate.original.casefold() == REPORTER:
        return Address(REPORTER, subject.host)
    return _parsed(fate.original or fate.address)


def _sent_to(fate: Fate) -> str:
    """The domain that an alias or a forward of ours sent the copy to, if its reader did not write
    to that one: where that is, and which hosts serve it, is nobody else's business. Else ""."""
    written, sent = _parsed(fate.original), _parsed(fate.address)
    is_known = written is None or sent is None or written.domain == sent.domain
    return "" if is_known or sent is None else sent.domain


def _host(fate: Fate) -> str:
    return "" if _sent_to(fate) else fate.host


def _said(fate: Fate) -> str:
    """The reply on one line, without an address or a host that the reader does not know."""
    said = clean(fate.reply)
    if fate.original and fate.original != fate.address:
        said = re.sub(re.escape(fate.address), fate.original, said, flags=re.IGNORECASE)
    if domain := _sent_to(fate):
        if not fate.is_remote:
            return ""  # our own words name hosts and domains; the cause says what can be said
        for name in filter(None, (fate.host, domain)):
            said = re.sub(re.escape(name), "[...]", said, flags=re.IGNORECASE)
    if not fate.is_remote or not fate.code or said.startswith(str(fate.code)):
        return said
    return f"{fate.code} {said}"


def _told(subject: Subject, fate: Fate) -> Told:
    written = _written(subject, fate)
    return Told(
        address=clean(fate.original or fate.address) if written is None else written.display,
        action=fate.action,
        status=fate.status,
        said=_said(fate),
        host=_who_said(fate),
    )


def _who_said(fate: Fate) -> str:
    """Whose words the reply is; of mail that nobody has tried lately the host is not known."""
    if fate.is_remote:
        return _host(fate) or "The other server"
    return _host(fate) if fate.action is Action.RELAYED else ""


def _fields(subject: Subject, fate: Fate, now_us: int) -> RecipientStatus:
    written, said = _written(subject, fate), _said(fate)
    kind = "smtp" if fate.is_remote else "X-Mailhost"
    tried = fate.action in (Action.FAILED, Action.DELAYED)
    return RecipientStatus(
        action=fate.action,
        final=clean(fate.original or fate.address) if written is None else str(written),
        status=fate.status,
        original=fate.orcpt,
        remote_mta=_host(fate),
        diagnostic=f"{kind}; {said}" if said else "",
        last_attempt=_time(fate.at_us or now_us) if tried else None,
        retry_until=_time(fate.until_us) if fate.until_us else None,
    )


def _returned(subject: Subject, *, is_failure: bool) -> Returned | None:
    """What goes back: of the header block at most HEADER_MAX bytes, whole fields."""
    if not subject.shown:
        return None
    if subject.is_full and is_failure and len(subject.shown) <= FULL_MAX:
        return Returned(subject.shown, is_full=True)
    block = scan(subject.shown[: HEADER_MAX + 1], limit=HEADER_MAX)
    end = block.fields[-1].end if block.fields else 0
    return Returned(subject.shown[:end]) if end else None


def _time(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC)
