"""The schema as the contract that it is: what it tells of each operation is whole, its examples are
what their own forms let pass, and its samples can be run."""

import ast
import json
import re
import shlex
from typing import Any

import pytest
from django.urls import reverse
from drf_spectacular.drainage import GENERATOR_STATS
from jsonschema_rs import Draft202012Validator

from apps.api import specification
from apps.api.operations import BODIES
from apps.api.schema import operations
from apps.api.specification import schema
from apps.directory.apitokens import SCOPES
from tests.api.conftest import Program


@pytest.fixture(scope="module")
def told() -> list[tuple[str, str, dict[str, Any]]]:
    return list(operations(schema()))


def _wrong(value: Any, form: dict[str, Any]) -> list[str]:
    """What the schema of a value has against it."""
    whole = {**form, "components": schema()["components"]}
    checked = Draft202012Validator(whole, validate_formats=True)
    return [f"{one.instance_path}: {one.message}" for one in checked.iter_errors(value)]


def test_each_operation_has_an_id_words_a_scope_and_samples(told: list[Any]) -> None:
    names = [operation["operationId"] for _, _, operation in told]
    assert sorted(names) == sorted(set(names))
    for path, verb, operation in told:
        name = operation["operationId"]
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name), (path, verb, name)
        assert operation["summary"][0].isupper(), name
        assert operation["tags"], name
        assert operation.get("x-scope", SCOPES[0]) in SCOPES, name
        assert [one["lang"] for one in operation["x-codeSamples"]] == ["shell", "python"], name


def test_the_generator_has_nothing_to_complain_of() -> None:
    """Such as two forms of one name, of which one would be told of for both."""
    specification.schema.cache_clear()
    schema()
    assert [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache] == []


def test_samples_are_commands_and_programs(told: list[Any]) -> None:
    for path, verb, operation in told:
        curl, python = (one["source"] for one in operation["x-codeSamples"])
        words = shlex.split(curl)
        assert words[0] == "curl", path
        assert "Authorization: Bearer $TOKEN" in words, path
        assert verb == "get" or words[words.index("-X") + 1] == verb.upper(), path
        (address,) = [word for word in words if word.startswith("https://")]
        assert "{" not in address, path
        assert re.fullmatch(re.sub(r"{\w+}", "[^/?]+", path) + r"(\?.*)?", address[24:]), path
        ast.parse(python)
        for one in operation.get("parameters", []):
            if one.get("in") == "query" and one.get("required"):
                assert f"{one['name']}=" in address, (path, "it would be refused")
            if one.get("in") == "path" and one["schema"]["type"] == "string":
                assert {"example"} & {*one, *one["schema"]}, (path, "no id would stand there")


def test_no_parameter_is_told_of_that_no_form_takes(told: list[Any]) -> None:
    """The framework's own, which chooses a format, is refused by every list."""
    names = {one.get("name") for _, _, told_of in told for one in told_of.get("parameters", [])}
    assert "format" not in names


def test_each_example_is_what_the_schema_allows(told: list[Any]) -> None:
    wrong: dict[str, list[str]] = {}
    for _, _, operation in told:
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            for media_type, kind in body.get("content", {}).items():
                assert kind.get("examples"), (operation["operationId"], media_type)
                for example in kind["examples"].values():
                    if found := _wrong(example["value"], kind["schema"]):
                        wrong[operation["operationId"]] = found
    assert wrong == {}


def test_each_example_passes_its_own_form(told: list[Any]) -> None:
    wrong = {}
    for _, verb, operation in told:
        sends = BODIES.get(operation["operationId"])
        if sends is None or sends.media_type != "application/json":
            continue
        form = sends.form(data=dict(sends.example), partial=verb == "patch")
        if not form.is_valid():
            wrong[operation["operationId"]] = form.errors
    assert wrong == {}


def test_it_is_served_to_all_once_made_and_not_sent_again(stranger: Program, db: None) -> None:
    answer = stranger.get("openapi.json")
    assert json.loads(answer.content)["openapi"] == "3.1.1"
    assert answer["Content-Type"] == "application/json"
    assert answer.content == stranger.get("openapi.json", Accept="text/plain").content

    again = stranger.get(reverse("api-openapi"), If_None_Match=answer["ETag"])
    assert (again.status_code, again.content) == (304, b"")
