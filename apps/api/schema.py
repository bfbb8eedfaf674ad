"""What every operation has in common, put into the schema once it is made: how one is let in, what
failures look like, the headers, and how it is called from a shell and from Python."""

from collections.abc import Iterator
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from apps.api.headers import IF_MATCH, IF_NONE_MATCH
from apps.api.samples import samples
from apps.api.schemaparts import (
    EXAMPLES,
    FAILURES,
    HEADERS,
    PARAMETERS,
    PROBLEM,
    Schema,
    failures,
    headers,
)

_LARGEST_ID: Final = 2**63 - 1
_OF_WRITES: Final = frozenset({409, 410, 422, 507})
_OF_BODIES: Final = frozenset({413, 415})
_OF_CONDITIONS: Final = frozenset({412})


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How one is let in."""

    target_class = "apps.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> Schema:
        """OpenAPI's words for a bearer token."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "mhk_…"}


def finish(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """A hook of drf-spectacular."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["responses"] = failures()
    components["parameters"] = PARAMETERS
    components["headers"] = HEADERS
    components.setdefault("securitySchemes", {})["password"] = {"type": "http", "scheme": "basic"}
    _tidy(components["schemas"])
    found = list(operations(result))
    for path, verb, operation in found:
        _drop(operation, "x-spec-enum-id")
        _tell_of_ids(operation)
        _add_examples(operation)
        _add_headers(verb, operation)
        _add_failures(verb, operation)
        operation["x-codeSamples"] = samples(path, verb, operation)
    tags = sorted({tag for _, _, operation in found for tag in operation.get("tags", [])})
    result["tags"] = [{"name": tag} for tag in tags]
    return result


def operations(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Address, verb and operation of each."""
    for path, verbs in schema.get("paths", {}).items():
        for verb, operation in verbs.items():
            if isinstance(operation, dict) and "operationId" in operation:
                yield path, verb, operation


def _tidy(forms: Schema) -> None:
    """What is sent has no fields but these (`Form` refuses them); marks of the generator go."""
    for name, form in forms.items():
        if name.endswith("Request") and form.get("type") == "object":
            form["additionalProperties"] = False
    _drop(forms, "x-spec-enum-id")


def _drop(found: Any, name: str) -> None:
    if isinstance(found, dict):
        found.pop(name, None)
        for inner in found.values():
            _drop(inner, name)
    elif isinstance(found, list):
        for inner in found:
            _drop(inner, name)


def _tell_of_ids(operation: Schema) -> None:
    """What numbers in addresses can be, and of what they are."""
    for parameter in operation.get("parameters", []):
        if parameter.get("in") != "path":
            continue
        if parameter["schema"].get("type") == "integer":
            parameter["schema"] |= {"minimum": 1, "maximum": _LARGEST_ID}
        if parameter["name"].endswith("_id"):
            noun = parameter["name"].removesuffix("_id").replace("_", " ")
            parameter.setdefault("description", f"The `id` of the {noun}.")


def _add_examples(operation: Schema) -> None:
    """A value for each parameter without which nothing can be asked: samples are made of them."""
    for parameter in operation.get("parameters", []):
        if parameter.get("required") and parameter.get("name") in EXAMPLES:
            parameter["example"] = EXAMPLES[parameter["name"]]


def _add_headers(verb: str, operation: Schema) -> None:
    answers = operation.setdefault("responses", {})
    has_state = IF_MATCH in operation.get("parameters", ())
    for status, answer in list(answers.items()):
        names = []
        if "application/json" in answer.get("content", {}):
            is_page = answer["description"] == "A page"
            names += ["Link"] if is_page else ["ETag"]
            has_state |= verb == "get" and not is_page
        if status == "201":
            names.append("Location")
        if verb == "post":
            names.append("Idempotency-Replayed")
        answer["headers"] = {**answer.get("headers", {}), **headers(*names)}
    if verb == "get" and has_state:
        operation["parameters"] = [*operation.get("parameters", []), IF_NONE_MATCH]
        answers["304"] = {"description": "It is what you know already", "headers": headers("ETag")}


def _add_failures(verb: str, operation: Schema) -> None:
    answers = operation.setdefault("responses", {})
    left_out: set[int] = set()
    if verb == "get":
        left_out |= _OF_WRITES
    if "requestBody" not in operation:
        left_out |= _OF_BODIES
    if IF_MATCH not in operation.get("parameters", ()):
        left_out |= _OF_CONDITIONS
    for status in FAILURES:
        if status not in left_out:
            answers.setdefault(str(status), {"$ref": f"#/components/responses/Failure{status}"})
