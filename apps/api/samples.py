"""How an operation is called from a shell and from Python, written from what the schema says."""

import json
import shlex
from typing import Any, Final
from urllib.parse import urlencode

Schema = dict[str, Any]

HOST: Final = "https://mail.example.org"
_JSON: Final = "application/json"


def samples(path: str, verb: str, operation: Schema) -> list[Schema]:
    """The operation in curl and in Python, with its first example."""
    address = HOST + _filled(path, operation)
    media_type, body = example(operation)
    return [
        {"lang": "shell", "label": "curl", "source": _curl(address, verb, media_type, body)},
        {
            "lang": "python",
            "label": "Python",
            "source": _python(address, verb, media_type, body, _answer(operation)),
        },
    ]


def example(operation: Schema) -> tuple[str, Any]:
    """Kind and value of the first body that could be sent; ("", None) if there is none."""
    for media_type, kind in operation.get("requestBody", {}).get("content", {}).items():
        for found in kind.get("examples", {}).values():
            return media_type, found["value"]
    return "", None


def _filled(path: str, operation: Schema) -> str:
    query = {}
    for parameter in operation.get("parameters", []):
        if parameter.get("in") == "path":
            value = parameter.get("example", parameter.get("schema", {}).get("example", 1))
            path = path.replace("{" + parameter["name"] + "}", str(value))
        elif parameter.get("in") == "query" and "example" in parameter:
            query[parameter["name"]] = parameter["example"]
    return f"{path}?{urlencode(query)}" if query else path


def _answer(operation: Schema) -> str:
    """The kind of what comes back; "" for nothing."""
    for status, answer in operation.get("responses", {}).items():
        if status.startswith("2"):
            return next(iter(answer.get("content", {})), "")
    return ""


def _text(media_type: str, body: Any) -> str:
    """A body that is not JSON: as it is, or an object a line."""
    if isinstance(body, str):
        return body
    lines = body if isinstance(body, list) else [body]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def _curl(address: str, verb: str, media_type: str, body: Any) -> str:
    words = ["curl"]
    if verb != "get":
        words += ["-X", verb.upper()]
    lines = [" ".join([*words, shlex.quote(address)]), '-H "Authorization: Bearer $TOKEN"']
    if media_type:
        text = json.dumps(body) if media_type == _JSON else _text(media_type, body)
        flag = "-d" if media_type == _JSON else "--data-binary"
        lines += [f"-H 'Content-Type: {media_type}'", f"{flag} {shlex.quote(text)}"]
    return " \\\n  ".join(lines)


def _python(address: str, verb: str, media_type: str, body: Any, answer: str) -> str:
    sent = ['"Authorization": f"Bearer {token}"']
    if media_type and media_type != _JSON:
        sent.append(f'"Content-Type": "{media_type}"')
    lines = ["import requests", "", 'token = "mhk_…"', f"answer = requests.{verb}("]
    lines += [f'    "{address}",', f"    headers={{{', '.join(sent)}}},"]
    if media_type == _JSON:
        lines.append(f"    json={body!r},")
    elif media_type:
        lines.append(f"    data={_text(media_type, body).encode()!r},")
    lines += [")", "answer.raise_for_status()"]
    if answer:
        lines.append("print(answer.json())" if answer == _JSON else "print(answer.text)")
    return "\n".join(lines)
