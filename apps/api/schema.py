"""What every operation has in common, put into the schema once it is made: how one is let in, what
failures look like, the headers, and how it is called from a shell and from Python."""

import json
import shlex
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from apps.api.problems import MEDIA_TYPE

Schema = dict[str, Any]

HOST: Final = "https://mail.example.org"
FAILURES: Final = {
    400: "The request cannot be read",
    401: "No token, or none that works",
    403: "Not allowed",
    404: "There is no such thing in sight",
    405: "There is no such verb at this address",
    406: "There is no answer of that kind",
    409: "Something is in the way",
    410: "It is finished",
    412: "It has changed meanwhile",
    413: "Too large",
    415: "A body of that kind cannot be read",
    422: "A field cannot be what it is",
    429: "Too many requests",
    503: "The storage is away for a moment",
    507: "There is no room left",
}
_PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Leads to the page that explains the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Never changes: programs look at it."},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "`/field` of the body, `?parameter` or `Header:`.",
                    },
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_PARAMETERS: Final[Schema] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Any text of up to 255 characters. Sent again with the same key, the request"
        " is not done again, and is answered as it was; for a day.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag of the state that is meant: if it has changed meanwhile, nothing"
        " is done (412).",
        "schema": {"type": "string"},
    },
}


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
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["responses"] = {
        f"Failure{status}": {
            "description": words,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, words in FAILURES.items()
    }
    components["parameters"] = _PARAMETERS
    for path, verb, operation in operations(result):
        _add_failures(operation)
        operation["x-codeSamples"] = samples(path, verb, operation)
    return result


def operations(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Address, verb and operation of each."""
    for path, verbs in schema.get("paths", {}).items():
        for verb, operation in verbs.items():
            if isinstance(operation, dict) and "operationId" in operation:
                yield path, verb, operation


def _add_failures(operation: Schema) -> None:
    answers = operation.setdefault("responses", {})
    for status in FAILURES:
        answers.setdefault(str(status), {"$ref": f"#/components/responses/Failure{status}"})


def samples(path: str, verb: str, operation: Schema) -> list[Schema]:
    """The operation in curl and in Python."""
    address, body = HOST + _filled(path, operation), _body(operation)
    return [
        {"lang": "shell", "label": "curl", "source": _curl(address, verb, body)},
        {"lang": "python", "label": "Python", "source": _python(address, verb, body)},
    ]


def _filled(path: str, operation: Schema) -> str:
    query = {}
    for parameter in operation.get("parameters", []):
        if parameter.get("in") == "path":
            value = parameter.get("example", parameter.get("schema", {}).get("example", 1))
            path = path.replace("{" + parameter["name"] + "}", str(value))
        elif parameter.get("in") == "query" and "example" in parameter:
            query[parameter["name"]] = parameter["example"]
    return f"{path}?{urlencode(query)}" if query else path


def _body(operation: Schema) -> Any:
    for kind in operation.get("requestBody", {}).get("content", {}).values():
        for example in kind.get("examples", {}).values():
            return example["value"]
    return None


def _curl(address: str, verb: str, body: Any) -> str:
    words = ["curl"]
    if verb != "get":
        words += ["-X", verb.upper()]
    lines = [" ".join([*words, shlex.quote(address)]), '-H "Authorization: Bearer $TOKEN"']
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(body))}"]
    return " \\\n  ".join(lines)


def _python(address: str, verb: str, body: Any) -> str:
    lines = ["import requests", "", f"answer = requests.{verb}("]
    lines += [f"    {address!r},", '    headers={"Authorization": f"Bearer {token}"},']
    if body is not None:
        lines.append(f"    json={body!r},")
    lines += [")", "answer.raise_for_status()"]
    if verb != "delete":
        lines.append("print(answer.json())")
    return "\n".join(lines)
