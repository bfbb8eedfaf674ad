"""The lines of a vCard: read, whatever wrote them, and written (RFC 6350 section 3, RFC 2426
section 2, vCard 2.1). Pure; linear in the length of the text, no exception for any octets.
"""

import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from typing import Final

from apps.mime import charset

LONGEST: Final = 64_000
"""Characters of one unfolded line; a longer one (a picture) is cut there, and is no line."""
MOST: Final = 1_000_000
"""Lines of a file that are looked at, folded ones too: the largest that people have holds fewer."""
_WIDTH: Final = 75  # octets of a line without its end, RFC 6350 section 3.2

_HEAD = re.compile(r"(?:([A-Za-z0-9_-]{1,60})\.)?([A-Za-z0-9_-]{1,60})(?=[;:])")
_PARAM = re.compile(r';([A-Za-z0-9_-]{1,60})(?:=((?:"[^"]*+"|[^";:,]++|,)*+))?(?=[;:])')
_QP = re.compile(r";(?:encoding=)?quoted-printable(?=[;:])", re.IGNORECASE)
_ENDS = re.compile(r"\r\n|\r|\n")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_FIELDS = re.compile(r"(?:\\.|[^\\;])*+", re.DOTALL)
_LISTED = re.compile(r"(?:\\.|[^\\,])*+", re.DOTALL)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_BARE_ENCODINGS: Final = frozenset(("QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT"))


@dataclass(frozen=True, slots=True)
class Line:
    """`group.NAME;PARAM=value:value`. `name` and the names of parameters are in capitals, `value`
    is as it was written, but for an encoding."""

    name: str
    value: str
    params: tuple[tuple[str, str], ...] = ()
    group: str = ""

    def param(self, name: str) -> list[str]:
        """All values of a parameter, in small letters."""
        found = [value for key, value in self.params if key == name]
        return [one.strip('" ').lower() for value in found for one in value.split(",")]

    @property
    def text(self) -> str:
        """The value as people read it."""
        return unescaped(self.value)

    @property
    def fields(self) -> list[str]:
        """The parts of a structured value, as people read them."""
        return [unescaped(one) for one in _split(_FIELDS, self.value)]

    @property
    def listed(self) -> list[str]:
        """The values of a list, as people read them."""
        return [unescaped(one) for one in _split(_LISTED, self.value)]

    def __str__(self) -> str:
        """Unfolded, as it is written again."""
        group = f"{self.group}." if self.group else ""
        params = "".join(f";{name}={value}" for name, value in self.params)
        return f"{group}{self.name}{params}:{self.value}"


def decoded(octets: bytes) -> str:
    """A file as text: UTF-8, UTF-16 with its mark, or what old programs wrote."""
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return octets.decode("utf-16", "replace")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")


def lines(text: str) -> Iterator[Line]:
    """Every line that is one; what is none is passed over."""
    for raw in _unfolded(text):
        if (line := parsed(raw)) is not None:
            yield line


def parsed(raw: str) -> Line | None:
    """One unfolded line, None if it is none."""
    head = _HEAD.match(raw) if len(raw) <= LONGEST else None
    if head is None:
        return None
    params: list[tuple[str, str]] = []
    place = head.end()
    while (found := _PARAM.match(raw, place)) is not None:
        params.append(_param(found[1].upper(), found[2]))
        place = found.end()
    if raw[place : place + 1] != ":":
        return None
    value = _without_encoding(raw[place + 1 :], dict(params))
    kept = tuple(one for one in params if one[0] not in ("ENCODING", "CHARSET") or _is_b(one))
    return Line(head[2].upper(), _CONTROLS.sub("", value), kept, head[1] or "")


def unescaped(value: str) -> str:
    """RFC 6350 section 3.4; of what no RFC knows the stroke goes."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def escaped(text: str) -> str:
    """A text as a value. Nothing in it ends the line or the value."""
    plain = _ENDS.sub("\n", text)
    plain = re.sub(r"([\\,;])", r"\\\1", plain).replace("\n", r"\n")
    return _CONTROLS.sub("", plain)


def folded(written: Iterable[str]) -> str:
    """Lines as they stand in a file."""
    return "".join(f"{_fold(one)}\r\n" for one in written)


def _fold(line: str) -> str:
    octets = line.encode("utf-8", "replace")
    if len(octets) <= _WIDTH:
        return line
    pieces, start, room = [], 0, _WIDTH
    while start < len(octets):
        end = min(start + room, len(octets))
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1  # a character stays whole
        pieces.append(octets[start:end].decode("utf-8"))
        start, room = end, _WIDTH - 1
    return "\r\n ".join(pieces)


def _unfolded(text: str) -> Iterator[str]:
    pieces: list[str] = []
    size, is_soft, is_quoted = 0, False, False
    for raw in _raw(text):
        if pieces and (raw[:1] in (" ", "\t") or is_soft):
            piece = raw[1:] if raw[:1] in (" ", "\t") and not is_soft else raw
        else:
            if pieces:
                yield "".join(pieces)
            pieces, size, piece = [], 0, raw
            is_quoted = _is_quoted(raw)
        is_soft = is_quoted and piece.endswith("=")
        if is_soft:
            piece = piece[:-1]
        if size <= LONGEST:  # one character too many tells that it is too long
            pieces.append(piece[: LONGEST + 1])
        size += len(piece)
    if pieces:
        yield "".join(pieces)


def _raw(text: str) -> Iterator[str]:
    """One at a time: a large file of empty lines takes ten times its size as a list."""
    for line in islice(StringIO(text, newline=None), MOST):
        yield line.removesuffix("\n")


def _is_quoted(first: str) -> bool:
    """Whether a "=" at the end says that it goes on in the next line (RFC 2045 section 6.7)."""
    return ";" in first and _QP.search(first[:1_000].partition(":")[0] + ":") is not None


def _param(name: str, value: str | None) -> tuple[str, str]:
    """vCard 2.1 leaves the name of a parameter away."""
    if value is None:
        return ("ENCODING" if name in _BARE_ENCODINGS else "TYPE"), name.lower()
    return name, _CONTROLS.sub("", value)


def _is_b(param: tuple[str, str]) -> bool:
    return param[0] == "ENCODING" and param[1].lower() in ("b", "base64")


def _without_encoding(value: str, params: dict[str, str]) -> str:
    if params.get("ENCODING", "").lower() != "quoted-printable":
        return value
    octets = quopri.decodestring(value.encode("utf-8", "replace"))
    text = charset.decode(octets, params.get("CHARSET", "").strip('"'))
    # What was encoded may be a line break; in a value it stands as `\n`.
    return _ENDS.sub(r"\\n", text)


def _split(pattern: re.Pattern[str], value: str) -> list[str]:
    found, place = [], 0
    while True:
        piece = pattern.match(value, place)
        end = piece.end() if piece is not None else place
        found.append(value[place:end])
        if end >= len(value):
            return found
        place = end + 1
