"""Whatever the schema allows, and what it forbids, is sent to every operation by a machine that has
read nothing but the schema: no answer is a 5xx, and each is one that the schema tells of, in the
form that it tells.

Half of the requests name things that are there. What a request does is taken back after it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from apps.api.specification import schema
from apps.directory.apitokens import SCOPES
from apps.directory.models import User
from apps.directory.services import apitokens
from apps.scan import runner
from apps.webhooks import sending
from tests.api.test_matrix import TABLE, A, World, patterns, taken
from tests.console.test_matrix import watched

MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def _line(context: Any, value: Any) -> bytes:
    """A line of a bulk operation, or what is none."""
    return value if isinstance(value, bytes) else f"{json.dumps(value)}\n".encode()


@schemathesis.serializer("message/rfc822")
def _message(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.deserializer("application/x-ndjson")
def _first(context: Any, response: Any) -> Any:
    """What the schema tells is one line of the answer."""
    return json.loads(response.content.splitlines()[0])


@dataclass
class Fuzzed:
    """The operations, who asks, and what is there: arguments by the template of the address."""

    operations: list[Any]
    headers: dict[str, str]
    there: dict[str, dict[str, str]]

    def ask(self, operation: Any, mode: GenerationMode, examples: int) -> int:
        """Ask one operation so often; how many answers came."""
        asked = 0
        there = self.there[operation.path]

        @settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), is_there=st.booleans())
        def ask(case: Any, is_there: bool) -> None:
            nonlocal asked
            if is_there and there:
                case.path_parameters = dict(there)
            with watched():
                answer = case.call(headers=self.headers)
            case.validate_response(answer, checks=CHECKS)
            asked += 1

        ask()
        return asked

    def ask_all(self, examples: int) -> dict[str, str]:
        """Ask every operation so often in each mode; what was wrong, by operation."""
        wrong = {}
        for operation in self.operations:
            for mode in MODES:
                try:
                    self.ask(operation, mode, examples)
                except AssertionError as error:
                    wrong[operation.label] = str(error)
                except BaseExceptionGroup as group:
                    wrong[operation.label] = "\n".join(str(one) for one in group.exceptions)
        return wrong


def _there(world: World) -> Iterator[tuple[str, dict[str, str]]]:
    for name, route, _ in patterns():
        row = TABLE[name]
        names = re.findall(r"<(?:\w+:)?(\w+)>", route)
        values = [world.name_of(row.thing, A)] if row.thing else ["1"]
        values += [row.second or "1", *"1" * len(names)]
        template = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
        yield template, dict(zip(names, values, strict=False))


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """All requests run in the transaction of the test, as those of Django's own client do."""
    ends = (signals.request_started, signals.request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.fixture
def fuzzed(db: None, _one_connection: None, monkeypatch: pytest.MonkeyPatch) -> Fuzzed:
    monkeypatch.setattr(runner, "CHECKS", ())
    monkeypatch.setattr(sending, "_all", taken)
    world = World.of("operator")
    operator = User.objects.get(key="root@elsewhere.test")
    _, token = apitokens.issue(user=operator, name="fuzzing", scopes=SCOPES)
    loaded = schemathesis.openapi.from_dict(schema())
    loaded.app = get_wsgi_application()
    results: list[Any] = list(loaded.get_all_operations())
    found = [result.ok() for result in results]
    return Fuzzed(found, {"Authorization": f"Bearer {token}"}, dict(_there(world)))


@pytest.mark.timeout(600)
def test_no_operation_fails_or_answers_what_the_schema_does_not_tell(fuzzed: Fuzzed) -> None:
    assert fuzzed.ask_all(1) == {}


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_operation_fails_however_often_it_is_asked(fuzzed: Fuzzed) -> None:
    assert fuzzed.ask_all(60) == {}
