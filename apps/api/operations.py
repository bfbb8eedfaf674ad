"""How an operation is told to whoever reads the schema: `@operation(…)` above each verb of a door.

What every operation has (failures, headers, samples in curl and Python) `schema.finish` adds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiRequest,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import serializers

from apps.api.forms import Form, Shown

F = TypeVar("F", bound=Callable[..., Any])
Kind = type[serializers.Serializer[Any]]
Example = Mapping[str, Any]

NOTHING: Final = 204
BODIES: Final[dict[str, "Sends"]] = {}  # what each operation may be sent, by its id


@dataclass(frozen=True)
class Sends:
    """A body, and one that could be sent."""

    form: Kind
    example: Example
    media_type: str = "application/json"


@dataclass(frozen=True)
class SendsText:
    """A body that is no JSON, and one that could be sent."""

    media_type: str
    example: str


@dataclass(frozen=True)
class Gives:
    """An answer, and what it could be."""

    form: Kind
    example: Example
    status: int = 200
    media_type: str = "application/json"


@dataclass(frozen=True)
class Lists:
    """A page of these, and what one of them could be."""

    form: Kind
    example: Example
    status: int = 200


@dataclass(frozen=True)
class GivesText:
    """An answer that is no JSON, and what it could be."""

    media_type: str
    example: str
    status: int = 200


Answer = Gives | GivesText | Lists


def operation(
    name: str,
    words: str,
    *,
    tag: str,
    more: str = "",
    seeks: type[Form] | None = None,
    sends: Sends | SendsText | None = None,
    gives: Answer | None = None,
    admits: Sequence[str] = (),
) -> Callable[[F], F]:
    """Tell of an operation.

    Args:
        name: its id for ever, noun and verb: `users_create`.
        words: one sentence in the imperative.
        tag: the resource it is shown with.
        more: what else is worth knowing, in Markdown.
        seeks: the form of its parameters behind "?".
        sends: its body.
        gives: what it answers; None is nothing (204).
        admits: ways in, where a token is not the only one (`schema.finish`).
    """
    if isinstance(sends, Sends):
        BODIES[name] = sends
    return extend_schema(
        operation_id=name,
        summary=words,
        description=more or words,
        tags=[tag],
        parameters=[seeks] if seeks is not None else None,
        request=_request(sends),
        responses=_answers(gives),
        auth=cast("list[str]", [{one: []} for one in admits]) or None,
    )


def _request(sends: Sends | SendsText | None) -> Any:
    if sends is None:
        return None
    if isinstance(sends, SendsText):
        text = OpenApiExample("Example", value=sends.example, request_only=True)
        return {sends.media_type: OpenApiRequest(OpenApiTypes.STR, examples=[text])}
    example = OpenApiExample("Example", value=dict(sends.example), request_only=True)
    return {sends.media_type: OpenApiRequest(sends.form, examples=[example])}


def _answers(gives: Answer | None) -> dict[Any, OpenApiResponse]:
    if gives is None:
        return {NOTHING: OpenApiResponse(description="Done")}
    if isinstance(gives, GivesText):
        example = OpenApiExample("Example", value=gives.example, response_only=True)
        text = OpenApiResponse(OpenApiTypes.STR, description="Done", examples=[example])
        return {(gives.status, gives.media_type): text}
    if isinstance(gives, Gives):
        return {(gives.status, gives.media_type): _answer(gives)}
    return {gives.status: _answer(gives)}


def _answer(gives: Gives | Lists) -> OpenApiResponse:
    value: dict[str, Any] = dict(gives.example)
    form, words = gives.form, "Done"
    if isinstance(gives, Lists):
        form, words, value = page_of(form), "A page", {"items": [value], "next": None}
    example = OpenApiExample("Example", value=value, response_only=True)
    return OpenApiResponse(form, description=words, examples=[example])


_pages: dict[Kind, Kind] = {}


def page_of(item: Kind) -> Kind:
    """The form of a page of these."""
    found = _pages.get(item)
    if found is None:
        cursor = serializers.CharField(allow_null=True, help_text="The cursor of the next page.")
        fields = {"items": item(many=True), "next": cursor, "__doc__": "A page of a list."}
        found = _pages[item] = type(f"{item.__name__}Page", (Shown,), fields)
    return found
