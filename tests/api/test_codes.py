"""Every code that a door can answer is explained."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.urls import get_resolver
from rest_framework.exceptions import APIException

from apps.api.codes import GROUPS, NAMES
from apps.api.problems import code_of
from apps.wire.errors import MailError
from tests.support.installation import ROOT

API: Final = ROOT / "apps" / "api"
# Doors beside the one for programs, and what ends within the outbound way.
OTHERS: Final = (
    *("apps.webmail", "apps.imap", "apps.pop3", "apps.smtp", "apps.console", "tests"),
    *("apps.directory.bearer", "apps.delivery.callahead", "apps.delivery.outbound"),
)


def _kinds(kind: type[Exception]) -> Iterator[type[Exception]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


def _written(path: Path) -> Iterator[str]:
    """Codes that a module writes: of a Fault, an APIException, a ValidationError, of what a field
    says of itself (`default_error_messages`)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            is_told = getattr(node.targets[0], "id", "") == "default_error_messages"
            yield from (str(ast.literal_eval(one)) for one in node.value.keys if is_told and one)
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        found = [one.value for one in node.keywords if one.arg == "code"]
        if name in {"Fault", "ErrorDetail", "ValidationError"} and len(node.args) > 1:
            found.append(node.args[1])
        for value in found:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def test_each_code_stands_there_once() -> None:
    names = [code.name for group in GROUPS for code in group.codes]
    assert sorted(names) == sorted(NAMES)


def test_each_code_that_a_door_writes_is_explained() -> None:
    for path in sorted(API.rglob("*.py")):
        assert set(_written(path)) <= NAMES, path


def test_each_failure_of_a_service_is_explained() -> None:
    assert get_resolver().url_patterns  # all doors are loaded
    kinds = [kind for kind in _kinds(MailError) if not kind.__module__.startswith(OTHERS)]
    assert {code_of(kind.__new__(kind)) for kind in kinds if issubclass(kind, MailError)} <= NAMES


def test_each_failure_of_a_request_is_explained() -> None:
    for kind in _kinds(APIException):
        if kind.__module__.startswith(("rest_framework.", "apps.api")):
            assert getattr(kind, "default_code", "") in NAMES, kind
