"""What all operations of the schema have in common, as OpenAPI writes it: failures, the headers of
requests and answers."""

from typing import Any, Final

from apps.api.problems import MEDIA_TYPE

Schema = dict[str, Any]

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
PROBLEM: Final[Schema] = {
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
PARAMETERS: Final[Schema] = {
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
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of the state that is known: while it is that, the answer is 304"
        " and has no body.",
        "schema": {"type": "string"},
    },
}


# Of parameters that have to be there, by their names.
EXAMPLES: Final = {
    "address": "carol@example.org",
    "domain": "example.net",
    "query": "from:carol is:unread",
    "record": "spf",
    "rule": "BAYES_SPAM",
    "scope": "all",
    "sender": "lottery.example",
    "since": "2026-11-28T10:00:00Z",
    "value": "program",
    "what": "group",
}


def _header(words: str, kind: str = "string") -> Schema:
    return {"description": words, "schema": {"type": kind}}


HEADERS: Final[Schema] = {
    "RateLimit-Limit": _header("Requests that the token may send in a minute.", "integer"),
    "RateLimit-Remaining": _header("How many of them are left.", "integer"),
    "RateLimit-Reset": _header("Seconds until the next minute begins.", "integer"),
    "ETag": _header("The state that is shown: see If-Match and If-None-Match."),
    "Location": _header("The address of what was made."),
    "Link": _header('The next page, `rel="next"` (RFC 8288); the last one has none.'),
    "Retry-After": _header("Seconds to wait before it is sent again.", "integer"),
    "WWW-Authenticate": _header("How one is let in (RFC 9110 section 11.6.1)."),
    "Idempotency-Replayed": _header("`true`: it was done before, and not again."),
}
_BUDGET: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_OF_FAILURES: Final = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}


def headers(*names: str) -> Schema:
    """References to these headers, and to those that every answer may have."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, *_BUDGET)}


def failures() -> Schema:
    """The answers that refuse, by name."""
    return {
        f"Failure{status}": {
            "description": words,
            "headers": headers(*_OF_FAILURES.get(status, [])),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, words in FAILURES.items()
    }
