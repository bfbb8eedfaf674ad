"""Writes messages as octets: fields with encoded words, texts in any charset, MIME parts. Pure.

The same values give the same octets on every Python: nothing here depends on a library's idea of
where to fold a line (`email` changed its mind several times), on a clock, or on chance. Lines end
with CRLF and have at most 998 octets, fields are folded at 76.
"""

import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.mime.charset import codec_for

LINE = 76  # octets of a header line, RFC 2047 section 2; of a base64 or quoted-printable line
_WORD = 75  # octets of one encoded word
_B_CHARSETS = re.compile(r"utf-8|iso-2022|gb|big5|euc|koi8|shift|windows-125[156]|iso-8859-[678]")
_ATTRIBUTE = re.compile(rb"[^A-Za-z0-9!#$&+.^_`{}~-]")
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")

Fields = Sequence[tuple[str, str]]  # names, and values that are ASCII already


@dataclass(frozen=True, slots=True)
class Entity:
    """A part of a message, or the whole of one: content fields and an encoded body."""

    fields: tuple[tuple[str, str], ...]
    body: bytes


def message(fields: Fields, entity: Entity) -> bytes:
    """A whole message."""
    head = [*fields, ("MIME-Version", "1.0"), *entity.fields]
    return _block(head) + b"\r\n" + entity.body


def text(
    words: str, subtype: str = "plain", charset: str = "utf-8", *, parameters: str = ""
) -> Entity:
    """A text part: quoted-printable where most of it is ASCII, base64 or 8bit where not.

    Raises:
        UnicodeEncodeError: the charset cannot write it.
    """
    octets = words.replace("\r\n", "\n").encode(charset)
    kind = f'text/{subtype}; charset="{charset}"{parameters}'
    if charset.startswith("iso-2022"):
        return Entity(_content(kind, "7bit"), _crlf(octets))
    if octets.isascii() and max(map(len, octets.split(b"\n"))) <= LINE:
        name = "us-ascii" if charset == "utf-8" else charset
        return Entity(
            _content(f'text/{subtype}; charset="{name}"{parameters}', "7bit"), _crlf(octets)
        )
    if sum(octet > 127 for octet in octets) * 4 > len(octets):
        return Entity(_content(kind, "base64"), base64(_crlf(octets)))
    quoted = binascii.b2a_qp(octets, istext=True)
    return Entity(_content(kind, "quoted-printable"), _crlf(quoted))


def eight_bit(words: str, charset: str = "utf-8") -> Entity:
    """A plain text part that goes as it is (RFC 6152)."""
    body = _crlf(words.replace("\r\n", "\n").encode(charset))
    return Entity(_content(f"text/plain; charset={charset}", "8bit"), body)


def binary(
    octets: bytes, kind: str, name: str = "", *, cid: str = "", parameters: str = ""
) -> Entity:
    """An attachment, or with a Content-ID a picture within the HTML."""
    disposition = "inline" if cid else "attachment"
    fields = [
        ("Content-Type", kind + parameters + (parameter("name", name) if cid and name else "")),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", disposition + parameter("filename", name)),
    ]
    if cid:
        fields.append(("Content-ID", f"<{cid}>"))
    return Entity(tuple(fields), base64(octets))


def enclosed(raw: bytes) -> Entity:
    """A message within a message."""
    fields = (("Content-Type", "message/rfc822"), ("Content-Transfer-Encoding", "8bit"))
    return Entity(fields, raw)


def machine(subtype: str, blocks: Sequence[Fields]) -> Entity:
    """A `message/…` part that is made of header blocks, such as delivery-status (RFC 3464)."""
    body = b"\r\n".join(_block(block) for block in blocks)
    return Entity((("Content-Type", f"message/{subtype}"),), body)


def multipart(
    subtype: str, parts: Iterable[Entity], boundary: str, *, parameters: str = ""
) -> Entity:
    """Several parts as one."""
    mark = f"--{boundary}".encode()
    pieces = [b"%s\r\n%s\r\n%s" % (mark, _block(one.fields), _ended(one.body)) for one in parts]
    kind = f'multipart/{subtype}; boundary="{boundary}"{parameters}'
    return Entity((("Content-Type", kind),), b"".join(pieces) + mark + b"--\r\n")


def base64(octets: bytes) -> bytes:
    """In lines of 76."""
    lines = (octets[at : at + 57] for at in range(0, len(octets), 57))
    return b"".join(binascii.b2a_base64(line, newline=False) + b"\r\n" for line in lines)


def words(value: str, charset: str = "utf-8") -> str:
    """The value of an unstructured field: as it is when it is ASCII, else as encoded words."""
    if value.isascii():
        return value
    if not _is_read_back(value, charset):
        charset = "utf-8"
    encode = _b_word if _B_CHARSETS.match(charset) else _q_word
    done, rest = [], value
    while rest:
        size = len(rest)
        while size > 1 and len(encode(rest[:size], charset)) > _WORD:
            size -= 1 + (size > 24) * (size - 24) // 2
        done.append(encode(rest[:size], charset))
        rest = rest[size:]
    return " ".join(done)


def _is_read_back(value: str, charset: str) -> bool:
    """Whether the charset has these words, for readers too who take a wider one by its name."""
    try:
        return value.encode(charset).decode(codec_for(charset) or charset) == value
    except UnicodeError:
        return False


def mailbox(name: str, address: str, charset: str = "utf-8") -> str:
    """`Name <address>`."""
    if not name:
        return address
    if not name.isascii():
        shown = words(name, charset)
    else:
        shown = name if _ATOMS.fullmatch(name) else '"' + name.replace('"', "'") + '"'
    return f"{shown} <{address}>"


def parameter(name: str, value: str) -> str:
    """`; name=value`, by RFC 2231 where the value is not ASCII."""
    if value.isascii():
        return f'; {name}="{value}"'
    octets = _ATTRIBUTE.sub(lambda found: b"%%%02X" % found[0][0], value.encode())
    return f"; {name}*=UTF-8''{octets.decode()}"


def _b_word(piece: str, charset: str) -> str:
    return f"=?{charset}?B?{binascii.b2a_base64(piece.encode(charset), newline=False).decode()}?="


def _q_word(piece: str, charset: str) -> str:
    octets = piece.encode(charset)
    coded = "".join(
        chr(one) if one in _Q_SAFE else "_" if one == 32 else f"={one:02X}" for one in octets
    )
    return f"=?{charset}?Q?{coded}?="


def _content(kind: str, encoding: str) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", kind), ("Content-Transfer-Encoding", encoding))


def _crlf(octets: bytes) -> bytes:
    return _ended(octets.replace(b"\n", b"\r\n"))


def _ended(octets: bytes) -> bytes:
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def _block(fields: Fields) -> bytes:
    return "".join(_folded(name, value) for name, value in fields).encode("ascii")


def _folded(name: str, value: str) -> str:
    """At spaces only; a space that is already an end of a line stays one."""
    lines, line = [], f"{name}:"
    for piece in value.split(" "):
        if len(line) + 1 + len(piece) > LINE and len(line) > len(name) + 1:
            lines.append(line)
            line = ""
        line += f" {piece}"
    return "\r\n".join([*lines, line]) + "\r\n"
