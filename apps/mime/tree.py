"""The MIME tree of a message as offsets into its octets (RFC 2045, RFC 2046).

`scan_tree` promises for any octets: no exception, no recursion, no line loop in Python, at most
`PARTS_MAX` parts and `DEPTH_MAX` levels. What goes beyond is not refused: a container too deep
becomes a leaf, parts too many become epilogue. Time is linear in the size of the message times
the depth reached. Framing follows Dovecot: a boundary matches by prefix, the longest wins, an
outer one ends inner parts, the line end before a delimiter belongs to the delimiter unless it ends
the closing delimiter of an inner multipart. What other servers answer is in `tests/mime/broken`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from apps.mime import parameters
from apps.mime.decode import IDENTITIES
from apps.mime.envelope import ENVELOPE_FIELDS, NO_ENVELOPE, envelope
from apps.mime.headers import HeaderBlock, scan
from apps.mime.parameters import Parameters

PARTS_MAX = 2_000
DEPTH_MAX = 99  # Levels open at once; with the part inside them Dovecot's hundred.
BOUNDARY_MAX = 256  # Octets. RFC 2046 section 5.1.1 allows 70; longer ones are seen.
STRING_MAX = 4_000  # Octets kept of one content string; BODYSTRUCTURE repeats them for every FETCH.
STRINGS_MAX = 512 * 1024  # Octets of content strings and inner envelopes kept of one message.

_TYPE = re.compile(rb"([^\s/;()<>@,\"]{1,127}+)\s*/\s*([^\s/;()<>@,\"]{1,127}+)")
_TOKEN = re.compile(rb"[^\x00-\x20()<>@,;:\\\"/\[\]?=]++")  # RFC 2045 section 5.1
_LANGUAGE = re.compile(rb"\s*+([^\x00-\x20()<>@,;:\\\"/\[\]?=]++)\s*+(,?)")
_NOWHERE = 1 << 62


@dataclass(slots=True)
class Part:
    """One part. Offsets are into the message; type, subtype and encoding are lower case.

    The body is [body_start, body_end), the header [header_start, body_start) with its empty line.
    `children` are the parts of a multipart, or the one message inside message/rfc822, whose
    `envelope` is then set where the scan was asked for it (never by loading). `lines` is counted
    for text and messages.
    """

    header_start: int
    body_start: int
    body_end: int = 0
    type: bytes = b"text"
    subtype: bytes = b"plain"
    params: Parameters = ()
    encoding: bytes = b"7bit"
    id: bytes | None = None
    description: bytes | None = None
    md5: bytes | None = None
    disposition: bytes | None = None
    disposition_params: Parameters = ()
    languages: tuple[bytes, ...] = ()
    location: bytes | None = None
    lines: int = 0
    envelope: bytes | None = None
    children: list[Part] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Octets of the body, as encoded."""
        return self.body_end - self.body_start

    @property
    def is_multipart(self) -> bool:
        """Whether the children are parts (there may be none of them)."""
        return self.type == b"multipart"

    @property
    def is_unparted(self) -> bool:
        """Whether this is a multipart in which no part was found: all there is to read is its
        body, which programs for people show as text."""
        return self.type == b"multipart" and not self.children

    @property
    def is_message(self) -> bool:
        """Whether the body is a message with headers of its own, the only child."""
        return self.type == b"message" and bool(self.children)

    @property
    def is_closed_global(self) -> bool:
        """Whether this is a message/global that can be looked into and was not."""
        kind = self.type, self.subtype
        return kind == (b"message", b"global") and self.encoding in IDENTITIES and not self.children

    @property
    def mime_type(self) -> str:
        """Type and subtype, as in "text/plain"."""
        return f"{self.type.decode('latin-1')}/{self.subtype.decode('latin-1')}"

    @property
    def charset(self) -> str:
        """The declared charset, "" if none."""
        return parameters.value(self.params, b"charset").decode("latin-1")

    @property
    def filename(self) -> str:
        """The file name the sender gave, for showing only; "" if none."""
        return parameters.text(self.disposition_params, b"filename") or parameters.text(
            self.params, b"name"
        )

    @property
    def is_attachment(self) -> bool:
        """Whether a mail program would list this part as an attachment."""
        if self.is_multipart or (self.type == b"application" and self.subtype in _SIGNATURES):
            return False
        if self.disposition == b"attachment" or self.is_message:
            return True
        if self.type in (b"text", b"message"):
            return bool(self.filename) and self.type == b"text"
        return not (self.id and (self.disposition == b"inline" or self.type == b"image"))

    def walk(self) -> list[Part]:
        """Return this part and all below it, in the order of the message."""
        found: list[Part] = []
        todo = [self]
        while todo:
            part = todo.pop()
            found.append(part)
            todo.extend(reversed(part.children))
        return found


_SIGNATURES = frozenset((b"pgp-signature", b"pkcs7-signature", b"x-pkcs7-signature"))


class _Level:
    """A container whose end is not found yet. `needle` is None for messages and for multiparts
    whose closing delimiter has been seen; `next` is where the needle is found next, known to be
    the first place at or after the last position asked for, `closed` the end of the line of the
    closing delimiter, 0 before it was seen."""

    __slots__ = ("closed", "needle", "next", "part")

    def __init__(self, part: Part, needle: bytes | None) -> None:
        self.part = part
        self.needle = needle
        self.next = -1 if needle is not None else _NOWHERE
        self.closed = 0


def scan_tree(
    raw: bytes,
    block: HeaderBlock | None = None,
    *,
    opens_global: bool = False,
    with_envelopes: bool = False,
) -> Part:
    """Return the tree of a whole message; `block` is its header block if scanned already.

    Args:
        opens_global: whether message/global is looked into as message/rfc822 is (RFC 9051 section
            6.4.5.1), unless it is encoded, as only that may be (RFC 6532 section 3.5). Elsewhere it
            is a leaf.
        with_envelopes: whether enclosed messages get their ENVELOPE, which IMAP alone tells and
            which costs most of the scan where such messages have many recipients.
    """
    scanner = _Scanner(raw, opens_global=opens_global, with_envelopes=with_envelopes)
    return scanner.scan(block or scan(raw))


class _Scanner:
    __slots__ = (
        "count",
        "end",
        "open",
        "opens_global",
        "position",
        "raw",
        "room",
        "with_envelopes",
    )

    def __init__(self, raw: bytes, *, opens_global: bool, with_envelopes: bool) -> None:
        self.raw = raw
        self.opens_global = opens_global
        self.with_envelopes = with_envelopes
        self.end = len(raw)
        self.open: list[_Level] = []
        self.count = 0
        self.room = STRINGS_MAX
        self.position = 0  # where to look for the next delimiter

    def scan(self, block: HeaderBlock) -> Part:
        root = self._begin(block, _NOWHERE, None)
        while self.open:
            at, index = self._next_delimiter(self.position)
            if at == _NOWHERE:
                break
            self._take_delimiter(at, index)
        self._close_above(-1, _NOWHERE)
        return root

    def _begin(self, block: HeaderBlock, limit: int, parent: Part | None) -> Part:
        """Make the part that starts with `block` and, if it is a message, the one inside it.

        `limit` is where the next delimiter of an open container stands.
        """
        first: Part | None = None
        while True:
            part = _part_of(block, parent)
            self.count += 1
            first = first or part
            if parent is not None:
                parent.children.append(part)
            needle = None if self._is_cut(part.body_start, limit) else self._needle(part)
            self._spend(part)
            if needle is None and not self._holds_message(part):
                self._close(part, limit)
                break
            self.open.append(_Level(part, needle))
            if needle is not None:
                break
            block = self._header(part.body_start, limit)
            if self.with_envelopes:
                part.envelope = self._envelope(block)
            parent = part
        self.position = max(part.body_start - 1, 0)
        return first

    def _needle(self, part: Part) -> bytes | None:
        """Return what parts of a multipart begin with, None if it has no usable boundary."""
        if part.type != b"multipart":
            return None
        boundary = parameters.value(part.params, b"boundary")
        if not 0 < len(boundary) <= BOUNDARY_MAX:
            return None
        if self._is_full():
            _degrade(part)
            return None
        return b"\n--" + boundary

    def _holds_message(self, part: Part) -> bool:
        is_open = part.subtype == b"rfc822" or (self.opens_global and part.is_closed_global)
        if part.type != b"message" or not is_open:
            return False
        if self._is_full():
            _degrade(part)  # BODYSTRUCTURE has no way to say "a message, but not looked into".
            return False
        return True

    def _spend(self, part: Part) -> None:
        """Count what a part's strings take; beyond the bound parts lose them."""
        self.room -= _strings_size(part)
        if self.room < 0:
            part.params = part.disposition_params = ()
            part.id = part.description = part.md5 = part.location = None
            part.languages = ()

    def _envelope(self, block: HeaderBlock) -> bytes:
        """Return the ENVELOPE of an inner message, an empty one when too much was read already.

        What had to be read is counted if it is more than what is kept: "<<<<" costs time and
        leaves little, "a@b," leaves more than it was.
        """
        read = sum([f.end - f.start for f in block.fields if f.name in ENVELOPE_FIELDS])
        if read > self.room:
            return NO_ENVELOPE
        found = envelope(block)
        self.room -= max(read, len(found))
        return found if self.room >= 0 else NO_ENVELOPE

    def _is_full(self) -> bool:
        return len(self.open) >= DEPTH_MAX or self.count >= PARTS_MAX

    def _next_delimiter(self, position: int) -> tuple[int, int]:
        """Return where the next delimiter of any open multipart is, and whose it is.

        Outer levels are asked first: an inner search need not look further than the outer found,
        since that place ends the inner part. So no octet is searched twice for one level.
        """
        nearest, index, stop = _NOWHERE, -1, self.end
        for n, level in enumerate(self.open):
            needle = level.needle
            if needle is None:
                continue
            if level.next < position:
                at = self.raw.find(needle, position, min(stop + len(needle), self.end))
                level.next = at if at >= 0 else _NOWHERE
            if level.next < nearest:
                nearest, index, stop = level.next, n, level.next
            elif level.next == nearest != _NOWHERE and not self._is_longer(index, needle):
                index = n
        return nearest, index

    def _is_longer(self, index: int, needle: bytes) -> bool:
        """Whether the needle found before is the longer one: of two prefixes that one is meant."""
        found = self.open[index].needle
        return found is not None and len(found) > len(needle)

    def _take_delimiter(self, at: int, index: int) -> None:
        """End what the delimiter at `at` ends and begin the part it begins."""
        self._close_above(index, at)
        level = self.open[index]
        assert level.needle is not None
        needle_end = at + len(level.needle)
        start = self.raw.find(b"\n", needle_end) + 1
        if self.raw.startswith(b"--", needle_end) or not start or self.count >= PARTS_MAX:
            level.needle, level.next = None, _NOWHERE
            level.closed = start or self.end
            self.position = needle_end
            return
        limit, _ = self._next_delimiter(start - 1)
        self._begin(self._header(start, limit), limit, level.part)

    def _header(self, start: int, limit: int) -> HeaderBlock:
        """Return the header block at `start`, which ends at the delimiter at `limit` at the latest.

        The line end before a delimiter is the delimiter's, unless it makes the empty line.
        """
        if self._is_cut(start, limit):
            return scan(self.raw, start=start, end=start)
        block = scan(self.raw, start=start, end=min(limit + 1, self.end))
        if start < block.body_start == limit + 1:
            line = max(self.raw.rfind(b"\n", start, limit) + 1, start)
            if self.raw[line:limit].strip(b"\r"):
                return scan(self.raw, start=start, end=self._before(limit))
        return block

    def _is_cut(self, body_start: int, limit: int) -> bool:
        """Whether the header that ends here has no empty line: the delimiter at `limit` ended it,
        which cannot be one of a multipart that begins here."""
        return 0 < body_start == self._before(limit) and self.raw[body_start - 1] != 0x0A

    def _before(self, at: int) -> int:
        """Return where what stands before the line end at `at` ends, the end if there is none."""
        if at >= self.end:
            return self.end
        return at - 1 if at > 0 and self.raw[at - 1] == 0x0D else at

    def _close_above(self, index: int, at: int) -> None:
        while len(self.open) > index + 1:
            level = self.open.pop()
            self._close(level.part, at, level.closed)

    def _close(self, part: Part, at: int, closed: int = 0) -> None:
        """Set the end of a body: the line end before the delimiter is not part of it.

        But the line of a closing delimiter is whole, and so are the parts that are inside.
        """
        end = self._before(at)
        inside = part.children[-1].body_end if part.children else part.body_start
        part.body_end = max(end, closed, inside)
        if part.type == b"text" or part.is_message:
            part.lines = self.raw.count(b"\n", part.body_start, part.body_end)


def _degrade(part: Part) -> None:
    part.type, part.subtype = b"application", b"octet-stream"


def _part_of(block: HeaderBlock, parent: Part | None) -> Part:
    """Read the content fields of a header block.

    Of those that stand twice the first counts, as with Dovecot; of the disposition, as with Cyrus
    too, the last.
    """
    part = Part(block.start, block.body_start)
    if not _read_type(part, block) and parent is not None and parent.subtype == b"digest":
        part.type, part.subtype = b"message", b"rfc822"  # RFC 2046 section 5.1.5
    if (value := block.first(b"content-transfer-encoding")) is not None:
        part.encoding = _encoding(value)
    part.id = _string(block, b"content-id")
    part.description = _string(block, b"content-description")
    part.md5 = _string(block, b"content-md5")
    part.location = _string(block, b"content-location")
    if (value := block.last(b"content-disposition")) is not None:
        main, params = parameters.split(value)
        if value:
            token = _TOKEN.match(main)
            part.disposition = token[0].lower()[:STRING_MAX] if token is not None else b""
            part.disposition_params = _shorten(params)
    if (value := block.first(b"content-language")) is not None:
        part.languages = _languages(parameters.without_comments(value[:STRING_MAX]))
    return part


def _languages(value: bytes) -> tuple[bytes, ...]:
    """Return the tags of Content-Language (RFC 3282) up to what is none."""
    found: list[bytes] = []
    at = 0
    while (match := _LANGUAGE.match(value, at)) is not None:
        found.append(match[1])
        at = match.end()
        if not match[2]:
            break
    return tuple(found)


def _read_type(part: Part, block: HeaderBlock) -> bool:
    """Read Content-Type; False if there is none that can be read (RFC 2045 section 5.2: it counts
    as if it was not there)."""
    value = block.first(b"content-type")
    if value is None:
        return False
    main, params = parameters.split(value)
    found = _TYPE.fullmatch(main)
    if found is None:
        return False
    part.type, part.subtype = found[1].lower(), found[2].lower()
    part.params = _shorten(params)
    return True


def _encoding(value: bytes) -> bytes:
    if b"(" in value:
        value = parameters.without_comments(value[: parameters.VALUE_MAX]).strip()
    token = _TOKEN.fullmatch(value)
    return token[0].lower()[:STRING_MAX] if token is not None else b"7bit"


def _strings_size(part: Part) -> int:
    strings = (part.id, part.description, part.md5, part.location, part.disposition)
    size = sum([len(string) for string in strings if string is not None])
    for name, value in part.params + part.disposition_params:
        size += len(name) + len(value)
    return size


def _string(block: HeaderBlock, name: bytes) -> bytes | None:
    value = block.first_as_written(name)
    return None if value is None else value[:STRING_MAX]


def _shorten(params: Parameters) -> Parameters:
    for name, value in params:
        if len(name) > STRING_MAX or len(value) > STRING_MAX:
            return tuple((name[:STRING_MAX], value[:STRING_MAX]) for name, value in params)
    return params
