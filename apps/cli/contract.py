"""The operations of the interface for programs, read from its contract: `docs/openapi.json`.

Nothing of Django is needed for it, so help, completion and calls of another server are there at
once. What is read here is our own file: it is not looked at as a stranger's would be.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from apps.cli.failures import Failed

HOME: Final = Path(__file__).resolve().parents[2]
FILE: Final = HOME / "docs" / "openapi.json"
BASE: Final = "/api/v1/"
JSON: Final = "application/json"
PAGE: Final = 100
# What people call a thing by, where its list can be asked for that; the first one counts.
KEYS: Final = ("address", "name", "pattern")

_SECRET: Final = re.compile(r"(^|_)(password|secret)$")
_SCALARS: Final = frozenset({"string", "integer", "number", "boolean"})

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """Something that an operation takes, or a thing has.

    Args:
        kind: `string`, `integer`, `number`, `boolean`, or `json` for all that has parts.
        is_list: several of the kind.
        is_secret: it is read from a file and never stands in the list of processes.
        refers: noun of the list whose things it names by their ids, such as `domains`.
        most: the highest number; None if the contract names none.
    """

    name: str
    kind: str
    words: str = ""
    is_list: bool = False
    is_required: bool = False
    is_nullable: bool = False
    is_secret: bool = False
    choices: tuple[str, ...] = ()
    refers: str = ""
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, which is one command.

    Args:
        path: below /api/v1/, with its parameters in braces.
        places: the parameters of the path, in their order.
        query: the parameters behind "?".
        form: the fields of a JSON body.
        media_type: of the body; "" for none.
        gives: media type of the answer; "" for none.
        shows: the fields of what is shown, of one of them where several are.
        lists: what is answered has `items`; is_paged: and a cursor of the next page.
        takes_key: whether it knows Idempotency-Key; takes_match: If-Match.
    """

    id: str
    method: str
    path: str
    tag: str
    summary: str
    words: str
    places: tuple[Field, ...]
    query: tuple[Field, ...]
    form: tuple[Field, ...]
    media_type: str
    gives: str
    shows: tuple[Field, ...]
    lists: bool
    is_paged: bool
    takes_key: bool
    takes_match: bool
    example: Mapping[str, Any] | None

    @property
    def noun(self) -> str:
        """The first word of its command."""
        return self.id.rpartition("_")[0].replace("_", "-")

    @property
    def verb(self) -> str:
        """The second one."""
        return self.id.rpartition("_")[2].replace("_", "-")

    @property
    def command(self) -> str:
        """Both."""
        return f"{self.noun} {self.verb}"

    @property
    def page(self) -> int:
        """How many of a list are asked for at a time."""
        limits = (one.most for one in self.query if one.name == "limit")
        return next(limits, None) or PAGE


@dataclass(frozen=True, slots=True)
class Collection:
    """Things that can be found by the name that people know."""

    noun: str
    listing: Operation
    key: str


class Contract:
    """All operations."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """In the order of their commands."""
        found = [
            self._operation(path.removeprefix(BASE), method, operation)
            for path, methods in self._schema["paths"].items()
            for method, operation in methods.items()
            if isinstance(operation, dict) and "operationId" in operation
        ]
        return tuple(sorted(found, key=lambda one: one.id.rpartition("_")))

    @cached_property
    def nouns(self) -> dict[str, dict[str, Operation]]:
        """Operations by noun and verb."""
        found: dict[str, dict[str, Operation]] = {}
        for one in self.operations:
            found.setdefault(one.noun, {})[one.verb] = one
        return found

    @cached_property
    def collections(self) -> dict[str, Collection]:
        """Those whose things have names that people know, by noun."""
        found = {}
        for one in self.operations:
            if one.method != "GET" or not one.lists or one.path != one.noun:
                continue
            known = {field.name for field in one.shows}
            if one.is_paged:
                known &= {field.name for field in one.query}
            key = next((name for name in KEYS if name in known), None)
            if key is not None:
                found[one.noun] = Collection(one.noun, one, key)
        return found

    def at(self, method: str, path: str) -> Operation | None:
        """The operation of a verb at a path as the contract writes it."""
        return self._by_place.get((method, path))

    @cached_property
    def _by_place(self) -> dict[tuple[str, str], Operation]:
        return {(one.method, one.path): one for one in self.operations}

    def _operation(self, path: str, method: str, told: Schema) -> Operation:
        parameters = list(self._parameters(told))
        media_type, body = _content(told.get("requestBody", {}))
        status, answer = _success(told["responses"])
        gives, shown = _content(answer)
        item, lists, is_paged = self._item(shown.get("schema", {}))
        headers = {one["name"] for one in parameters if one["in"] == "header"}
        return Operation(
            id=told["operationId"],
            method=method.upper(),
            path=path,
            tag=(told.get("tags") or [""])[0],
            summary=told.get("summary", ""),
            words=told.get("description", ""),
            places=tuple(self._places(path, parameters)),
            query=tuple(self._parameter(one) for one in parameters if one["in"] == "query"),
            form=tuple(self._form(body.get("schema", {}))) if media_type == JSON else (),
            media_type=media_type,
            gives="" if status == "204" else gives,
            shows=tuple(self._form(item)) if gives == JSON else (),
            lists=lists,
            is_paged=is_paged,
            takes_key="Idempotency-Key" in headers,
            takes_match="If-Match" in headers,
            example=_example(body),
        )

    def _parameters(self, told: Schema) -> Iterator[Schema]:
        for one in told.get("parameters", []):
            yield self._resolved(one)

    def _places(self, path: str, parameters: list[Schema]) -> Iterator[Field]:
        """What stands behind `users/` names one of the users, whatever it is called."""
        known = {one["name"]: one for one in parameters if one["in"] == "path"}
        steps = path.split("/")
        for before, step in pairwise(["", *steps]):
            if step.startswith("{"):
                field = self._parameter(known[step[1:-1]])
                is_id = field.kind == "integer" and f"{BASE}{before}" in self._schema["paths"]
                yield replace(field, refers=before if is_id else "")

    def _parameter(self, told: Schema) -> Field:
        is_required = bool(told.get("required"))
        return self._field(
            told["name"], told["schema"], is_required=is_required, words=told.get("description", "")
        )

    def _form(self, node: Schema) -> Iterator[Field]:
        node = self._resolved(node)
        required = set(node.get("required", ()))
        for name, inner in node.get("properties", {}).items():
            yield self._field(name, inner, is_required=name in required)

    def _field(self, name: str, node: Schema, *, is_required: bool, words: str = "") -> Field:
        words = words or node.get("description", "")
        is_secret = bool(node.get("writeOnly")) or _SECRET.search(name) is not None
        kinds, choices, is_nullable = self._kinds(node)
        is_list = False
        if kinds == {"array"}:
            is_list = True
            kinds, choices, _ = self._kinds(self._alternative(node, "array").get("items", {}))
        kind = kinds.pop() if len(kinds) == 1 else "json"
        if kind not in _SCALARS:
            kind, is_list, choices = "json", False, ()
        return Field(
            name=name,
            kind=kind,
            words=words,
            is_list=is_list,
            is_required=is_required,
            is_nullable=is_nullable,
            is_secret=is_secret and kind == "string" and not is_list,
            choices=choices,
            refers=self._referred(name) if kind == "integer" and not is_list else "",
            most=node.get("maximum"),
        )

    def _referred(self, name: str) -> str:
        """What `domain_id` and `domain` name: things of `domains`."""
        stem = name.removesuffix("_id").replace("_", "-")
        plurals = (f"{stem}s", f"{stem}es")
        return next((one for one in plurals if f"{BASE}{one}" in self._schema["paths"]), "")

    def _kinds(self, node: Schema) -> tuple[set[str], tuple[str, ...], bool]:
        """Types of something, its choices, and whether null is one of them."""
        kinds: set[str] = set()
        choices: list[str] = []
        for one in self._alternatives(node):
            told = one.get("type", "string" if "enum" in one else "object")
            kinds.update([told] if isinstance(told, str) else told)
            choices += [str(value) for value in one.get("enum", ()) if value is not None]
            if None in one.get("enum", ()):
                kinds.add("null")
        is_nullable = "null" in kinds
        return kinds - {"null"}, tuple(dict.fromkeys(choices)), is_nullable

    def _alternatives(self, node: Schema) -> Iterator[Schema]:
        node = self._resolved(node)
        several = node.get("oneOf") or node.get("anyOf") or node.get("allOf")
        if several is None:
            yield node
            return
        for one in several:
            yield from self._alternatives(one)

    def _alternative(self, node: Schema, kind: str) -> Schema:
        for one in self._alternatives(node):
            told = one.get("type", "")
            if told == kind or kind in told:
                return one
        return {}

    def _item(self, node: Schema) -> tuple[Schema, bool, bool]:
        """The form of what is shown, whether it is of one of several, and whether of a page."""
        node = self._resolved(node)
        properties = node.get("properties", {})
        items = properties.get("items", {}) if set(properties) <= {"items", "next"} else {}
        if "items" not in items:
            return node, False, False
        return items["items"], True, "next" in properties

    def _resolved(self, node: Schema) -> Schema:
        if "$ref" not in node:
            return node
        found: Any = self._schema
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return {**self._resolved(found), **{k: v for k, v in node.items() if k != "$ref"}}


def _content(told: Schema) -> tuple[str, Schema]:
    """Media type and what is told of it; JSON if there are several."""
    content: Schema = told.get("content", {})
    media_type = JSON if JSON in content else next(iter(content), "")
    return media_type, content.get(media_type, {})


def _success(responses: Schema) -> tuple[str, Schema]:
    for status, told in responses.items():
        if status.startswith("2"):
            return status, told
    return "", {}


def _example(body: Schema) -> Mapping[str, Any] | None:
    for one in body.get("examples", {}).values():
        value = one.get("value")
        return value if isinstance(value, dict) else None
    return None


def read(file: Path = FILE) -> Contract:
    """The contract of this installation; raises Failed if it is not there."""
    try:
        return Contract(json.loads(file.read_bytes()))
    except FileNotFoundError:
        raise Failed(f"{file} is missing: the installation is not complete") from None
