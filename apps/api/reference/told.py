"""An operation of the schema, shaped as its page shows it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.api.schemaparts import FAILURES

DEEPEST: Final = 4  # objects within objects whose fields are listed
_LARGEST: Final = 2**31 - 1  # larger bounds tell nobody anything

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body, or a parameter.

    Args:
        name: with those of the objects it is in: `server.port`; a list has `[]`.
        place: path, query, header or body.
        kind: what can stand there, in words.
    """

    name: str
    place: str
    kind: str
    is_required: bool
    words: str


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent or answered; `example` is text, "" for none."""

    media_type: str
    fields: list[Field]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as its page shows it."""

    name: str
    verb: str
    path: str
    summary: str
    words: str
    scope: str
    parameters: list[Field]
    sends: Body | None
    status: str
    gives: Body | None
    failures: list[tuple[str, str]]
    samples: list[Schema]


def told(path: str, verb: str, operation: Schema, whole: Schema) -> Operation:
    """Shape one.

    Args:
        whole: the schema, whose components it refers to.
    """
    parameters = [_resolved(one, whole) for one in operation.get("parameters", [])]
    status, answer = next(
        (code, answer) for code, answer in operation["responses"].items() if code.startswith("2")
    )
    words = operation.get("description", "")
    return Operation(
        name=operation["operationId"],
        verb=verb.upper(),
        path=path,
        summary=operation["summary"],
        words="" if words == operation["summary"] else words,
        scope=operation.get("x-scope", ""),
        parameters=[_parameter(one, whole) for one in parameters],
        sends=_body(operation.get("requestBody", {}), whole),
        status=status,
        gives=_body(answer, whole),
        failures=[
            (code, FAILURES[int(code)]) for code in operation["responses"] if int(code) in FAILURES
        ],
        samples=operation["x-codeSamples"],
    )


def _resolved(found: Schema, whole: Schema) -> Schema:
    """What a reference leads to; whatever else as it is."""
    if "$ref" not in found:
        return found
    target: Any = whole
    for step in found["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return {**target, **{name: value for name, value in found.items() if name != "$ref"}}


def _parameter(found: Schema, whole: Schema) -> Field:
    return Field(
        found["name"],
        found["in"],
        _kind(found.get("schema", {}), whole),
        found.get("required", False),
        found.get("description", ""),
    )


def _body(found: Schema, whole: Schema) -> Body | None:
    for media_type, kind in found.get("content", {}).items():
        values = [one["value"] for one in kind.get("examples", {}).values()]
        fields = list(_fields(kind.get("schema", {}), whole))
        return Body(media_type, fields, _text(values[0]) if values else "")
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _fields(form: Schema, whole: Schema, before: str = "", depth: int = 0) -> Iterator[Field]:
    form = _plain(form, whole)
    if form.get("type") == "array":
        yield from _fields(form.get("items", {}), whole, f"{before}[].", depth)
        return
    needed = form.get("required", [])
    for name, inner in form.get("properties", {}).items():
        plain = _plain(inner, whole)
        words = inner.get("description", plain.get("description", ""))
        yield Field(f"{before}{name}", "body", _kind(inner, whole), name in needed, words)
        below = plain.get("items", {}) if "items" in plain else plain
        if depth < DEEPEST:
            step = "[]." if "items" in plain else "."
            yield from _fields(below, whole, f"{before}{name}{step}", depth + 1)


def _plain(form: Schema, whole: Schema) -> Schema:
    """A form behind its reference; of several, the first that is not null."""
    form = _resolved(form, whole)
    for several in ("allOf", "oneOf", "anyOf"):
        for one in form.get(several, []):
            if one.get("type") != "null":
                return {**_plain(one, whole), **{k: v for k, v in form.items() if k != several}}
    return form


def _kind(form: Schema, whole: Schema) -> str:
    """What can stand there: `integer, 1 to 1000`, `active | locked`, `list of string`."""
    plain = _plain(form, whole)
    kinds = plain.get("type", "")
    names = [kinds] if isinstance(kinds, str) else [one for one in kinds if one != "null"]
    can_be_null = "null" in kinds or any(
        one.get("type") == "null" for one in [*form.get("oneOf", []), *form.get("anyOf", [])]
    )
    if "enum" in plain:
        words = " | ".join(str(one) for one in plain["enum"] if one is not None)
        can_be_null |= None in plain["enum"]
    elif "array" in names:
        words = f"list of {_kind(plain.get('items', {}), whole)}"
    else:
        words = plain.get("format") or " or ".join(names) or "anything"
        words += _bounds(plain)
    if "default" in plain and plain["default"] is not None:
        words += f"; {json.dumps(plain['default'])} if left out"
    return f"{words}; or null" if can_be_null else words


def _bounds(plain: Schema) -> str:
    least, most = plain.get("minimum"), plain.get("maximum")
    if most is not None and most > _LARGEST:
        most = None
    if least is not None and most is not None:
        return f", {least} to {most}"
    if least is not None:
        return f", at least {least}"
    longest = plain.get("maxLength")
    return f", up to {longest} characters" if longest else ""
