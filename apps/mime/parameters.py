"""Parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2231).

`split` gives octets as IMAP BODYSTRUCTURE shows them: continuations joined if none is missing, a
value that is percent-encoded keeps its "*" name. `parse_parameters` gives text for people. Both
are linear, look at `VALUE_MAX` octets and `PARAMETERS_MAX` parameters, and never raise.
"""

from __future__ import annotations

import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

from apps.mime import charset
from apps.mime.headers import clean, decode_text

VALUE_MAX = 64 * 1024  # Octets of one field looked at.
PARAMETERS_MAX = 200  # Parameters of one field, each continuation counted.

Parameters = tuple[tuple[bytes, bytes], ...]

_MAIN = re.compile(rb"[^;]*+")
_PARAMETER = re.compile(
    rb';\s*+([^\s=;"]*+)\s*+(?:=\s*+(?:"((?:[^"\\]++|\\.)*+)("?)[^;]*+|([^;]*+)))?',
    re.DOTALL,
)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_SECTION = re.compile(rb"([^*]++)\*([0-9]{1,4})(\*?)")
_COMMENT_MARK = re.compile(rb'[()"]|\\.', re.DOTALL)


def split(value: bytes) -> tuple[bytes, Parameters]:
    """Return the main value and the parameters in order, names as written."""
    value = value[:VALUE_MAX]
    if b"(" in value:
        value = without_comments(value)
    main = _MAIN.match(value)
    assert main is not None
    found: list[tuple[bytes, bytes]] = []
    starred = False
    for match in _PARAMETER.finditer(value, main.end()):
        name, quoted, close, bare = match.groups()
        if quoted is not None:
            if not close:
                break  # A quote that nothing closes has no value, and nothing comes after it.
            text = _QUOTED_PAIR.sub(rb"\1", quoted) if b"\\" in quoted else quoted
        elif bare is not None:
            text = bare.rstrip()
        else:
            continue
        starred = starred or b"*" in name
        found.append((name, text))
        if len(found) >= PARAMETERS_MAX:
            break
    return main[0].strip(), tuple(_join_sections(found) if starred else found)


def _join_sections(found: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Put RFC 2231 continuations together, whatever order they came in.

    Where one is missing or stands twice they stay as written: who guesses makes another name.
    """
    split_up: dict[bytes, dict[int, tuple[bool, bytes]]] = {}
    twice: set[bytes] = set()
    for written, value in found:
        if (match := _SECTION.fullmatch(written)) is not None:
            key, number = match[1].lower(), int(match[2])
            sections = split_up.setdefault(key, {})
            if number in sections:
                twice.add(key)
            sections[number] = (bool(match[3]), value)
    whole = {
        key: sections
        for key, sections in split_up.items()
        if key not in twice and max(sections) + 1 == len(sections)
    }
    joined: list[tuple[bytes, bytes]] = []
    for written, value in found:
        match = _SECTION.fullmatch(written)
        if match is None or match[1].lower() not in whole:
            joined.append((written, value))
        elif sections := whole[match[1].lower()]:
            joined.append(_join(match[1], sections))
            whole[match[1].lower()] = {}  # All of them are now where the first one stood.
    return joined


def _join(name: bytes, sections: dict[int, tuple[bool, bytes]]) -> tuple[bytes, bytes]:
    ordered = [sections[number] for number in sorted(sections)]
    if not any(encoded for encoded, _ in ordered):
        return name, b"".join(value for _, value in ordered)
    pieces = [
        value if encoded else quote_from_bytes(value, safe="").encode("ascii")
        for encoded, value in ordered
    ]
    if not ordered[0][0]:
        pieces.insert(0, b"''")  # No charset was named: RFC 2231 allows both to be empty.
    return name + b"*", b"".join(pieces)


def text(parameters: Parameters, name: bytes) -> str:
    """Return the parameter so named (lower case) as text for people, "" if absent."""
    starred = name + b"*"
    plain = ""
    pieces: list[tuple[bytes, bytes]] = []  # of continuations that were not whole
    for key, value in parameters:
        lowered = key.lower()
        if lowered == starred:
            return _decode_extended(value)
        if lowered == name and not plain:
            # Encoded words do not belong here (RFC 2047 section 5), yet most senders use them.
            plain = decode_text(value)
        elif lowered.startswith(starred):
            pieces.append((lowered, value))
    if pieces and not plain:
        return decode_text(b"".join([value for _, value in sorted(pieces)]))
    return plain


def value(parameters: Parameters, name: bytes) -> bytes:
    """Return the octets of the plain parameter so named (lower case), b"" if absent."""
    for key, octets in parameters:
        if key.lower() == name:
            return octets
    return b""


def _decode_extended(value: bytes) -> str:
    parts = value.split(b"'", 2)
    name, octets = (parts[0], parts[2]) if len(parts) == 3 else (b"", value)
    return clean(charset.decode(unquote_to_bytes(octets), name or None))


def parse_parameters(value: bytes) -> tuple[str, dict[str, str]]:
    """Return the main value in lower case and the parameters as text, names in lower case."""
    main, parameters = split(value)
    names = {key[:-1].lower() if key[1:].endswith(b"*") else key.lower() for key, _ in parameters}
    texts = {name.decode("latin-1"): text(parameters, name) for name in sorted(names)}
    return clean(main.decode("latin-1")).lower(), texts


def without_comments(value: bytes) -> bytes:
    """Return the value with RFC 5322 comments cut out, quoted strings respected."""
    kept: list[bytes] = []
    depth = at = 0
    quoted = False
    for mark in _COMMENT_MARK.finditer(value):
        char = mark[0]
        if char == b'"' and not depth:
            quoted = not quoted
        elif char == b"(" and not quoted:
            if not depth:
                kept.append(value[at : mark.start()])
            depth += 1
        elif char == b")" and depth:
            depth -= 1
            if not depth:
                kept.append(b" ")
                at = mark.end()
    if not depth:
        kept.append(value[at:])
    return b"".join(kept)
