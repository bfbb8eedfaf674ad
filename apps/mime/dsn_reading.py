"""Reports of other mail servers, read: the standard form and the many others. Pure.

`read` answers what a report says for any octets, without an exception, in time linear in a bounded
part of them. Two kinds are known: multipart/report with delivery-status fields (RFC 3464, 6533),
and whatever quotes the header of a message below words (qmail, old Exim and Exchange, and others):
then only the Message-ID is sure, and which recipient is meant the caller knows better, who knows
whom the message went to (`names`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from apps.mime import decode
from apps.mime.derive import message_id
from apps.mime.dsn import Action
from apps.mime.headers import HeaderBlock, clean, decode_text, scan
from apps.mime.tree import Part, scan_tree

RECIPIENTS_MAX = 200  # Of one report; who needs more sends several.
RETURNED_MAX = 20  # Parts that may be what came back.
STATUS_MAX = 256 * 1024  # Octets of delivery-status looked at.
TEXT_MAX = 64 * 1024  # Octets of words looked at.
REPLY_MAX = 500  # Characters.

_STATUS_TYPES = frozenset((b"delivery-status", b"global-delivery-status"))
_HEADER_TYPES = frozenset((b"rfc822-headers", b"global-headers", b"global", b"rfc822"))
_BLOCKS = re.compile(rb"\r?\n(?:[ \t]*+\r?\n)+")
_CODE = re.compile(r"\b([245])\.[0-9]{1,3}\.[0-9]{1,3}\b")
_REPLY = re.compile(r"(?m)^.{0,40}?\b([45][0-9][0-9][ -]\S.{0,400})$")
_QUOTED_ID = re.compile(
    rb"(?im)^[> \t]{0,8}message-id:[ \t]*(?:\r?\n[> \t]{1,8})?(<[^<>\s]{1,500}>)"
)
_EMPTY_LINE = re.compile(r"\n[> \t\r]*+\n")
_LATE = re.compile(r"(?i)\b(delay|warning|still trying|will (?:be )?(?:retr|keep|continue))")
_OVER = re.compile(r"(?i)\b(no such|permanent|fatal|unknown user|user unknown)")
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """What a report says of one recipient.

    Args:
        address: the final recipient; `original` what the sender had written, "" if it is not told.
        reply: in words, what the last server said.
        host: the server that said it, "" if it is not told.
    """

    address: str
    original: str
    action: Action
    status: str
    reply: str
    host: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A report. `message_id` is that of the message it is about, as `derive` keeps it, and
    `envelope_id` its ENVID; "" where it does not say.

    A report without fields (`is_standard` false) has no recipients; `action`, `status` and `reply`
    hold for all of those that `names` finds in it.
    """

    is_standard: bool
    message_id: str
    envelope_id: str = ""
    reporter: str = ""
    recipients: tuple[ReportedRecipient, ...] = ()
    action: Action = Action.FAILED
    status: str = ""
    reply: str = ""
    _text: str = ""

    def names(self, addresses: Iterable[str]) -> list[str]:
        """Return those of the addresses that stand in the words of the report."""
        text = self._text.casefold()
        return [one for one in addresses if _stands_in(one.casefold(), text)]


def read(raw: bytes) -> Reading | None:
    """Return what the report says; None if it is none, or does not say what it is about."""
    block = scan(raw)
    parts = scan_tree(raw, block).walk()
    about = _returned_id(raw, parts)
    for part in parts:
        if part.subtype in _STATUS_TYPES and part.type == b"message":
            found = _standard(_content(raw, part, STATUS_MAX), about)
            if found is not None:
                return found
    return _other(raw, block, parts, about)


def _content(raw: bytes, part: Part, limit: int) -> bytes:
    end = min(part.body_end, part.body_start + limit)
    return decode.body(raw[part.body_start : end], part.encoding)


def _returned_id(raw: bytes, parts: list[Part]) -> str:
    """The Message-ID of the first message or header block that came back."""
    kinds = (b"message", b"text")
    returned = [part for part in parts if part.subtype in _HEADER_TYPES and part.type in kinds]
    for part in returned[:RETURNED_MAX]:
        if part.is_message:
            found = message_id(scan(raw, start=part.body_start, end=part.body_end))
        else:
            found = message_id(scan(_content(raw, part, STATUS_MAX)))
        if found:
            return found
    return ""


def _standard(content: bytes, about: str) -> Reading | None:
    blocks = [scan(one + b"\n") for one in _BLOCKS.split(content.strip())[: RECIPIENTS_MAX + 1]]
    first, groups = blocks[0], blocks[1:]
    if not groups and first.first(b"final-recipient") is not None:
        groups = [first]  # Some forget the empty line.
    envelope_id = _value(first, b"original-envelope-id")
    if not about and not envelope_id:
        return None
    reporter = _typed(_value(first, b"reporting-mta"))
    found = [one for group in groups if (one := _recipient(group, reporter)) is not None]
    if not found:
        return None
    return Reading(True, about, envelope_id, reporter, tuple(found))


def _recipient(group: HeaderBlock, reporter: str) -> ReportedRecipient | None:
    final = _address(_value(group, b"final-recipient"))
    original = _address(_value(group, b"original-recipient"))
    status = _value(group, b"status")
    action = _action(_value(group, b"action"), status)
    if action is None or not (final or original):
        return None
    found = _CODE.search(status)
    return ReportedRecipient(
        address=final or original,
        original=original,
        action=action,
        status=found[0] if found else "",
        reply=_typed(_value(group, b"diagnostic-code"))[:REPLY_MAX],
        host=_typed(_value(group, b"remote-mta")) or reporter,
    )


def _value(block: HeaderBlock, name: bytes) -> str:
    value = block.first(name)
    return "" if value is None else decode_text(value)[:2_000]


def _action(word: str, status: str) -> Action | None:
    """What the field says, comments aside; else what the class of the status code means."""
    try:
        return Action(word.partition("(")[0].strip().lower())
    except ValueError:
        return {"5": Action.FAILED, "4": Action.DELAYED}.get(status[:1])


def _typed(value: str) -> str:
    """The value behind "dns;" and its like."""
    kind, found, rest = value.partition(";")
    return rest.strip() if found and kind.strip().replace("-", "").isalnum() else value


def _address(value: str) -> str:
    kind, found, address = value.partition(";")
    address = (address if found else kind).strip().removeprefix("<").removesuffix(">")
    if kind.strip().lower() == "utf-8":
        return clean(_UNITEXT.sub(_character, address))[:320]
    return clean(address)[:320]


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else found[0]


def _other(raw: bytes, block: HeaderBlock, parts: list[Part], about: str) -> Reading | None:
    """A report in words: it must quote a Message-ID, in a part of its own or in its text."""
    texts = [part for part in parts if part.type == b"text" and part.subtype != b"rfc822-headers"]
    words = _content(raw, texts[0], TEXT_MAX) if texts else b""
    if not about:
        found = _QUOTED_ID.search(words)
        if found is None:
            return None
        about = message_id(scan(b"Message-ID: " + found[1] + b"\r\n\r\n"))
    text = words.decode("utf-8", "replace")
    own = _EMPTY_LINE.split(text.partition(about)[0])
    # The paragraph that names the message is its header: its To is no word of the report.
    own_text = "\n\n".join(own[:-1])
    code = _CODE.search(own_text)
    reply = _REPLY.search(own_text)
    is_late = _LATE.search(block.text(b"subject") + "\n" + own_text[:2_000]) is not None
    is_failed = code[1] == "5" if code is not None else _OVER.search(own_text) is not None
    return Reading(
        is_standard=False,
        message_id=about,
        action=Action.DELAYED if is_late and not is_failed else Action.FAILED,
        status=code[0] if code else "",
        reply=clean(reply[1])[:REPLY_MAX] if reply else "",
        _text=f"{block.text(b'x-failed-recipients')}\n{own_text}",
    )


def _stands_in(address: str, text: str) -> bool:
    """Whether an address stands in a text whole: "bob@x.org" is not in "ann.bob@x.organic"."""
    at = text.find(address)
    while at >= 0 and address:
        before, after = text[at - 1 : at], text[at + len(address) : at + len(address) + 2]
        if not _is_part(before.strip("=")) and not (
            _is_part(after[:1]) and _is_part(after.strip(".-,"))
        ):
            return True
        at = text.find(address, at + 1)
    return False


def _is_part(char: str) -> bool:
    return bool(char) and (char.isalnum() or char in "._+-=")
