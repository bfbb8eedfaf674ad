"""Which entry decides."""

from typing import Any

import pytest

from apps.scan.attachments import policy
from apps.scan.attachments.policy import What
from apps.scan.base import Action


def fact(**more: Any) -> dict[str, Any]:
    """A Windows program as facts tell of one."""
    return {
        "path": ["a.exe"],
        "kind": "program",
        "size": 9,
        "endings": ["exe"],
        "group": "program",
        "declared": "application/x-msdownload",
        **more,
    }


def decided(told: dict[str, Any], *levels: policy.Level) -> Action:
    """What is done, by these entries of domain and server."""
    return policy.ruling(told, levels).action


def test_it_does_what_is_usual_where_nothing_is_said() -> None:
    assert policy.ruling(fact(), []) == (Action.QUARANTINE, "group program")
    assert (
        decided({"path": ["a.txt"], "kind": "text", "size": 1, "endings": ["txt"]}) is Action.NONE
    )


@pytest.mark.parametrize(
    "key",
    [
        (What.ENDING, "exe"),
        (What.TYPE, "application/x-msdownload"),
        (What.KIND, "program"),
        (What.GROUP, "program"),
    ],
)
def test_it_asks_for_ending_type_kind_and_group(key: tuple[str, str]) -> None:
    assert decided(fact(), {key: Action.REFUSE}) is Action.REFUSE
    assert decided(fact(), {key: Action.NONE}) is Action.NONE


def test_it_lets_the_domain_decide_before_the_server() -> None:
    server: policy.Level = {(What.GROUP, "program"): Action.REFUSE}
    assert decided(fact(), {}, server) is Action.REFUSE
    assert decided(fact(), {(What.ENDING, "exe"): Action.NONE}, server) is Action.NONE
    assert decided(fact(), {(What.ENDING, "com"): Action.NONE}, server) is Action.REFUSE


def test_it_takes_the_hardest_of_what_one_level_says() -> None:
    entries: policy.Level = {(What.ENDING, "exe"): Action.NONE, (What.KIND, "program"): Action.JUNK}
    assert decided(fact(), entries) is Action.JUNK


def test_it_asks_for_conditions_by_themselves() -> None:
    allowed: policy.Level = {(What.GROUP, "program"): Action.NONE}
    hidden = fact(tricks=["a second ending .pdf"])
    assert decided(hidden, allowed) is Action.QUARANTINE
    assert decided(hidden, {**allowed, (What.CONDITION, "disguised"): Action.NONE}) is Action.NONE


@pytest.mark.parametrize(
    ("told", "condition"),
    [
        ({"marks": ["locked"]}, "encrypted"),
        ({"marks": ["macros"]}, "macros"),
        ({"marks": ["unread"]}, "unread"),
        ({"why_not": "it ends too soon"}, "unscannable"),
        ({"tricks": ["a dot that is none"]}, "disguised"),
    ],
)
def test_it_knows_the_conditions(told: dict[str, Any], condition: str) -> None:
    plain = {"path": ["a"], "kind": "zip", "size": 1, **told}
    assert decided(plain, {(What.CONDITION, condition): Action.REFUSE}) is Action.REFUSE


def test_it_lets_source_code_pass_but_no_script_alone() -> None:
    script = fact(kind="text", endings=["js"], group="script")
    assert decided({**script, "among": 3}) is Action.QUARANTINE
    assert decided({**script, "among": 300}) is Action.NONE
    assert (
        decided({**script, "among": 300, "tricks": ["a second ending .pdf"]}) is Action.QUARANTINE
    )
    assert decided({**script, "among": 300}, {(What.ENDING, "js"): Action.JUNK}) is Action.JUNK


def test_it_knows_installers_by_their_content() -> None:
    told = {"path": ["a.pdf"], "kind": "ole", "size": 1, "marks": ["installer"]}
    assert decided(told) is Action.QUARANTINE


def test_it_names_only_what_there_is() -> None:
    for what, value in policy.USUAL:
        assert value in policy.VALUES[What(what)]
