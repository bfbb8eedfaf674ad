"""The answers to a FETCH as flat named fields, so that two servers can be compared one by one.

`envelope_fields` and `structure_fields` take what `imapsyntax.read_list` read and refuse what has
not the form of RFC 3501 section 7.4.2. Case that means nothing (types, encodings, names of
parameters) is folded, NIL is left out, and what is long is shortened to its size and a digest.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.mime.broken.imapsyntax import Value

Fields = dict[str, Any]

_ENVELOPE = (
    "date",
    "subject",
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "in-reply-to",
    "message-id",
)
_LONG = 300
_PARTS = 20


def shortened(value: Value) -> Value:
    """Return a value as it is kept in the file of answers."""
    if isinstance(value, str):
        return value if len(value) <= _LONG else _digest(value, len(value), "octets")
    if isinstance(value, list):
        text = json.dumps(value)
        return value if len(text) <= 2 * _LONG else _digest(text, len(value), "items")
    return value


def _digest(text: str, count: int, what: str) -> str:
    digest = hashlib.sha256(text.encode("latin-1")).hexdigest()[:16]
    return f"({count} {what}, SHA-256 {digest}) {text[:60]}"


def kept(fields: Fields) -> Fields:
    """Return fields without NILs, all values shortened."""
    return {name: shortened(value) for name, value in fields.items() if value is not None}


def envelope_fields(envelope: Value, prefix: str = "envelope") -> Fields:
    """Return the ten fields of an ENVELOPE."""
    if not isinstance(envelope, list) or len(envelope) != len(_ENVELOPE):
        raise ValueError(f"no envelope: {envelope!r:.200}")
    for name, value in zip(_ENVELOPE, envelope, strict=True):
        _check_envelope(name, value)
    return {f"{prefix} {name}": value for name, value in zip(_ENVELOPE, envelope, strict=True)}


def _check_envelope(name: str, value: Value) -> None:
    if name in ("date", "subject", "in-reply-to", "message-id"):
        _expect(value, str)
    elif value is not None:
        if not isinstance(value, list) or not value:
            raise ValueError(f"{name} is no list of addresses: {value!r:.200}")
        for address in value:
            if not isinstance(address, list) or len(address) != 4:
                raise ValueError(f"no address: {address!r:.200}")
            for text in address:
                _expect(text, str)


def structure_fields(structure: Value) -> Fields:
    """Return the fields of a BODYSTRUCTURE, each under the number of its part.

    What is inside a message that is a multipart is "inner". Of many parts the further ones are
    one field.
    """
    found: Fields = {}
    further: Fields = {}
    numbers: list[str] = []
    todo: list[tuple[str, Value, bool]] = [("", structure, False)]
    while todo:
        number, body, is_inner = todo.pop()
        if not isinstance(body, list) or not body:
            raise ValueError(f"no body: {body!r:.200}")
        numbers.append(f"{number} inner" if is_inner else number)
        prefix = f"part {numbers[-1]}".strip()
        into = found if len(numbers) <= _PARTS else further
        if isinstance(body[0], list):
            parts = body[: _count_parts(body)]
            into.update(_multipart(prefix, body[len(parts) :]))
            children = [(_below(number, n), part, False) for n, part in enumerate(parts, 1)]
            todo += reversed(children)
            continue
        into.update(_leaf(prefix, body))
        if _is_message(body):
            into.update(envelope_fields(body[7], f"{prefix} envelope"))
            todo.append(_inner(number or "1", body[8]))
    found["parts"] = numbers
    if further:
        found["further parts"] = [list(pair) for pair in further.items() if pair[1] is not None]
    return found


def _inner(number: str, body: Value) -> tuple[str, Value, bool]:
    """Number what is in the message `number`: a multipart has its number, all else is its part."""
    if isinstance(body, list) and body and isinstance(body[0], list):
        return number, body, True
    return _below(number, 1), body, False


def _below(number: str, n: int) -> str:
    return f"{number}.{n}" if number else str(n)


def _count_parts(body: list[Value]) -> int:
    for count, item in enumerate(body):
        if not isinstance(item, list):
            return count
    raise ValueError("multipart without subtype")


def _is_message(body: list[Value]) -> bool:
    """Whether the body holds an envelope, that is, is a message that was looked into."""
    return str(body[0]).lower() == "message" and len(body) > 7 and isinstance(body[7], list)


def _multipart(prefix: str, tail: list[Value]) -> Fields:
    if not 1 <= len(tail) <= 5:
        raise ValueError(f"no end of a multipart: {tail!r:.200}")
    _expect(tail[0], str, required=True)
    fields: Fields = {f"{prefix} type": f"multipart/{tail[0].lower()}"}
    rest = [*tail[1:], None, None, None, None]
    fields[f"{prefix} parameters"] = _parameters(rest[0])
    return fields | _extension(prefix, rest[1:4])


def _leaf(prefix: str, body: list[Value]) -> Fields:
    if len(body) < 7:
        raise ValueError(f"part with too little: {body!r:.200}")
    kind, subtype, parameters, ident, description, encoding, octets = body[:7]
    for text in (kind, subtype, encoding):
        _expect(text, str, required=True)
    _expect(ident, str)
    _expect(description, str)
    _expect(octets, int, required=True)
    fields: Fields = {
        f"{prefix} type": f"{kind}/{subtype}".lower(),
        f"{prefix} parameters": _parameters(parameters),
        f"{prefix} id": ident,
        f"{prefix} description": description,
        f"{prefix} encoding": encoding.lower(),
        f"{prefix} octets": octets,
    }
    rest = body[7:]
    if _is_message(body):
        rest = rest[2:]
    if kind.lower() == "text" or _is_message(body):
        _expect(rest[0], int, required=True)
        fields[f"{prefix} lines"] = rest[0]
        rest = rest[1:]
    rest = [*rest, None, None, None, None]
    _expect(rest[0], str)
    fields[f"{prefix} md5"] = rest[0]
    return fields | _extension(prefix, rest[1:4])


def _extension(prefix: str, values: list[Value]) -> Fields:
    disposition, language, location = values
    if disposition is not None:
        word, parameters = disposition
        _expect(word, str, required=True)
        disposition = [word.lower(), _parameters(parameters)]
    if isinstance(language, list):
        if not language:
            raise ValueError("empty list of languages")
        for text in language:
            _expect(text, str, required=True)
        language = [text.lower() for text in language]
    elif language is not None:
        _expect(language, str)
        language = [language.lower()]
    _expect(location, str)
    return {
        f"{prefix} disposition": disposition,
        f"{prefix} language": language,
        f"{prefix} location": location,
    }


def _parameters(value: Value) -> Value:
    if value is None:
        return None
    if not isinstance(value, list) or not value or len(value) % 2:
        raise ValueError(f"no parameters: {value!r:.200}")
    for text in value:
        _expect(text, str, required=True)
    return [[value[n].lower(), value[n + 1]] for n in range(0, len(value), 2)]


def _expect(value: Value, kind: type, *, required: bool = False) -> None:
    if value is None and not required:
        return
    if not isinstance(value, kind):
        raise ValueError(f"{value!r:.200} is no {kind.__name__}")
