"""Header fields in UTF-8 (RFC 6532) made ASCII for a client that cannot take them: the surrogate
of a message, as RFC 6857 describes it.

`surrogate_edits` says which octets of a message to replace by what; bodies are never touched (they
are 8bit, which every client may be sent). Promises for any octets: no exception, work linear in the
headers, an edit for every field that is UTF-8 and not ASCII, in the header of the message, of
its parts and of messages in it. A field that is neither ASCII nor UTF-8 is broken mail, not
internationalized mail: it stays as it came.

- Text becomes encoded words. File names and other parameters become RFC 2231's.
- An address whose local part is not ASCII cannot be written in ASCII: it becomes an empty group
  with its text as name (RFC 6857 section 3.1.9), which shows it and cannot be answered to. A domain
  becomes A-labels.
- A field of ids or trace, where words cannot be encoded, is renamed `Downgraded-…`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from apps.mime.address import AddressError, normalise_domain
from apps.mime.addresslist import HeaderMailbox, parse_address_list
from apps.mime.compose_header import encode_words, fold, phrase
from apps.mime.headers import HEADER_LIMIT, Field, HeaderBlock, decode_text, scan
from apps.mime.parameters import split
from apps.mime.sections import load_parts

Read = Callable[[int, int], bytes]

PREFIX = "Downgraded-"
_WHOLE = 1024 * 1024  # Octets up to which a message is read at once, not header by header.
_NAME_MAX = 60  # Octets kept of a field name: with the prefix `fold` still takes it.
_SECTION = 60  # Characters of a parameter in one line (RFC 2231 section 3).
_ADDRESSES = frozenset(
    b"from sender reply-to to cc bcc resent-from resent-sender resent-reply-to resent-to resent-cc"
    b" resent-bcc disposition-notification-to return-receipt-to errors-to".split()
)
_PARAMETERS = frozenset((b"content-type", b"content-disposition"))
_NO_WORDS = frozenset(
    b"message-id resent-message-id in-reply-to references content-id content-location received"
    b" return-path delivered-to original-recipient final-recipient date".split()
)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_TO_QUOTE = re.compile(rb'["\\]')
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Edit:
    """Octets [start, end) of a message give way to `text`.

    growth: how many octets longer that makes it, sent with CRLF at the end of every line.
    """

    start: int
    end: int
    text: bytes
    growth: int


def surrogate_edits(read: Read, size: int, parts: bytes) -> tuple[Edit, ...]:
    """Return what to replace, in order, none overlapping.

    Args:
        read: returns octets [start, end) of the message.
        size: of the message.
        parts: what `sections.dump_parts` kept of it.
    """
    if size <= _WHOLE:
        read = slices(read(0, size))
    edits: list[Edit] = []
    for part in load_parts(parts).walk():
        first = part.header_start
        header = read(first, min(part.body_start, first + HEADER_LIMIT))
        if not header.isascii():
            edits += _edits(header, first)
    return tuple(edits)


def slices(raw: bytes) -> Read:
    """Return a reader of octets that are at hand."""
    return lambda start, end: raw[start:end]


def mask(raw: bytes) -> bytes:
    """Return octets outside ASCII as question marks: as many as there were."""
    return _BEYOND_ASCII.sub(b"?", raw)


def _edits(header: bytes, base: int) -> list[Edit]:
    block = scan(header)
    edits = []
    for field in block.fields:
        raw = header[field.start : field.end]
        if raw.isascii() or not _is_utf8(raw):
            continue
        text = _rewrite(block, field)
        if not raw.endswith(b"\n"):  # the header ends with the message, in the middle of a line
            text = text.removesuffix(b"\r\n")
        lines = len(raw) + raw.count(b"\n") - raw.count(b"\r\n")
        edits.append(Edit(base + field.start, base + field.end, text, len(text) - lines))
    return edits


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _rewrite(block: HeaderBlock, field: Field) -> bytes:
    """Return the field in ASCII, its line end included."""
    raw_name = block.raw[field.start : field.start + min(len(field.name), _NAME_MAX)]
    name, value = raw_name.decode("ascii"), block.value(field)
    if field.name in _ADDRESSES and (found := parse_address_list(value)):
        return _lines(name, [_mailbox(one) for one in found if not one.is_marker], ",")
    if field.name in _PARAMETERS and (done := _parameters(name, value)):
        return done
    if field.name in _NO_WORDS:
        name = PREFIX + name
    return fold(name, decode_text(value))


def _mailbox(one: HeaderMailbox) -> str:
    shown = decode_text(one.name) if one.name else ""
    local = (one.local or b"").decode("utf-8", "replace")
    host = (one.host or b"").decode("utf-8", "replace")
    if local.isascii():
        with contextlib.suppress(AddressError):
            host = normalise_domain(host)
        if host.isascii():
            spec = f"{_local(local)}@{host}"
            return f"{phrase(shown)} <{spec}>" if shown else spec
    words = [encode_words(shown)] if shown else []
    return " ".join([*words, encode_words(f"{local}@{host}"), ":;"])


def _local(local: str) -> str:
    if _ATOMS.fullmatch(local):
        return local
    return '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _parameters(name: str, value: bytes) -> bytes:
    main, params = split(value)
    if not main.isascii():
        return b""
    pieces = [main.decode("ascii")]
    for key_raw, raw in params:
        key = key_raw.decode("ascii", "replace")
        if not key.isascii():
            continue
        if raw.isascii():
            quoted = raw if key.endswith("*") else b'"' + _TO_QUOTE.sub(rb"\\\g<0>", raw) + b'"'
            pieces.append(f"{key}={quoted.decode('ascii')}")
        else:
            pieces += _extended(key.removesuffix("*"), raw)
    return _lines(name, pieces, ";")


def _extended(key: str, raw: bytes) -> list[str]:
    """RFC 2231 sections 3 and 4, in sections if it is long; no escape is cut in two."""
    escaped = quote(raw, safe="")
    if len(escaped) <= _SECTION:
        return [f"{key}*=utf-8''{escaped}"]
    pieces = re.findall(rf"(?:%..|[^%]){{1,{_SECTION // 3}}}", escaped)
    head = "utf-8''"
    return [f"{key}*{n}*={head if n == 0 else ''}{piece}" for n, piece in enumerate(pieces)]


def _lines(name: str, pieces: list[str], mark: str) -> bytes:
    """Return a field with a piece a line."""
    text = f"{name}: " + f"{mark}\r\n ".join(pieces) + "\r\n"
    return text.encode("ascii", "replace")
