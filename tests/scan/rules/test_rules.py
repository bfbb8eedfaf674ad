"""Every rule names what it is about, and leaves honest mail alone."""

import pytest

from apps.scan.base import Action
from apps.scan.rules import RULES, ContentRules
from tests.scan.rules.examples import EXAMPLES, Example
from tests.scan.rules.mail import PROVEN, case, mail, points


def test_it_has_an_example_for_every_rule() -> None:
    assert sorted(EXAMPLES) == sorted(rule.name for rule in RULES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_names_its_example(name: str) -> None:
    example = EXAMPLES[name]
    found = points(example.raw, example.found, example.given, **example.more)
    assert name in found, found
    rule = next(one for one in RULES if one.name == name)
    least, most = sorted((rule.points, rule.most or rule.points))
    assert least <= found[name] <= most


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_says_in_words_what_it_saw(name: str) -> None:
    example = EXAMPLES[name]
    one = case(example.raw, example.found, **example.more)
    for finding in ContentRules().judge(one, example.given):
        assert finding.words.strip() == finding.words
        assert finding.words, finding.rule
        assert not finding.words.endswith(".")
        assert finding.action is Action.NONE


def test_it_finds_next_to_nothing_in_an_honest_letter() -> None:
    assert points(mail(), PROVEN) == {"AUTH_DMARC_PASS": -0.3}


def test_it_holds_names_and_points_to_what_is_promised() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    for rule in RULES:
        assert rule.name.replace("_", "").isalnum()
        assert rule.name.isupper()
        assert rule.means
        assert not rule.means.endswith(".")
        if rule.name not in {"GTUBE", "FROM_OURS_UNPROVEN"}:
            assert -3 <= rule.points <= 4
            assert (rule.most or 0) <= 4


def test_it_asks_nothing_about_the_door_of_mail_that_a_user_submits() -> None:
    example = EXAMPLES["AUTH_NOTHING"]
    found = points(example.raw, example.found, user_id=7, door="submission")
    assert found == {}


def test_it_holds_nothing_against_a_host_of_our_own() -> None:
    for name in ("AUTH_DMARC_FAIL_STRICT", "CLIENT_LISTED", "FROM_OURS_UNPROVEN"):
        example: Example = EXAMPLES[name]
        one = case(example.raw, example.found, **example.more)
        trusted = case(example.raw, None, judgement=dict(one.judgement) | {"trusted": True})
        names = {finding.rule for finding in ContentRules().judge(trusted, example.given)}
        assert not any(rule.startswith(("AUTH_", "CLIENT_", "FROM_OURS_")) for rule in names)


@pytest.mark.parametrize(
    ("recipients", "is_named"),
    [(("alice@example.test",), False), (("alice@example.test", "x@else.test"), True)],
)
def test_it_lets_administrators_tell_their_users_that_a_mailbox_is_full(
    recipients: tuple[str, ...], is_named: bool
) -> None:
    raw = EXAMPLES["TEXT_MAILBOX_LURE"].raw.replace(b"bob@friend.test", b"root@example.test")
    found = points(
        raw, None, {"ours": ["example.test"]}, user_id=9, door="submission", recipients=recipients
    )
    assert ("TEXT_MAILBOX_LURE" in found) is is_named
