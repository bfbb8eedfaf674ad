"""Hints that a reader wants what was kept."""

from dataclasses import replace

import pytest

from apps.scan import wanted
from apps.scan.base import Finding
from apps.scan.history import rules as history
from apps.scan.models import Reason
from apps.scan.wanted import Kept

PROVEN = (
    b"Authentication-Results: mail.example.test; dmarc=pass header.from=friend.test\r\n"
    b"Received: from friend.test by mail.example.test\r\n"
)
NOTHING = Kept(Reason.SPAM, (), b"", 30.0, 5.0)


def words(kept: Kept) -> str:
    return " ".join(one.words for one in wanted.hints(kept))


def test_nothing_speaks_for_what_nobody_knows() -> None:
    assert wanted.hints(NOTHING) == ()
    assert not wanted.is_wanted(())


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (history.ANSWER_TO_OURS, "It answers a message that the recipient sent."),
        (history.KNOWN_CORRESPONDENT, "The recipient knows this sender, who is proven to write."),
    ],
)
def test_one_strong_hint_is_enough(rule: object, said: str) -> None:
    found = history.KNOWN_CORRESPONDENT.found("who is in this reader's contacts", reader=7)
    kept = replace(NOTHING, findings=(replace(found, rule=rule.name),))  # type: ignore[attr-defined]
    assert words(kept) == said
    assert wanted.is_wanted(wanted.hints(kept))
    assert "contacts" not in words(kept)


def test_two_weak_ones_are_enough_and_one_is_not() -> None:
    proven = replace(NOTHING, prefix=PROVEN)
    assert words(proven) == "DMARC passes: the domain in From stands behind it."
    assert not wanted.is_wanted(wanted.hints(proven))
    near = replace(proven, points=5.5)
    assert "It is 0.5 points above the limit: a near miss." in words(near)
    assert wanted.is_wanted(wanted.hints(near))


@pytest.mark.parametrize("points", [4.9, 7.1, -3.0])
def test_a_near_miss_is_just_above_the_limit(points: float) -> None:
    assert words(replace(NOTHING, points=points)) == ""


def test_no_limit_has_no_near_miss() -> None:
    assert words(replace(NOTHING, points=5.5, limit=None)) == ""
    assert words(replace(NOTHING, points=5.5, reason=Reason.ATTACHMENT)) == ""


def test_what_was_released_before_counts_for_proven_senders_alone() -> None:
    assert words(replace(NOTHING, released=3)) == ""
    assert "released here 3 times before." in words(replace(NOTHING, released=3, prefix=PROVEN))
    assert "released here once before." in words(replace(NOTHING, released=1, prefix=PROVEN))


def test_a_name_that_nothing_proves_is_no_hint() -> None:
    forged = history.KNOWN_UNPROVEN.found("From names a friend", reader=7)
    assert words(replace(NOTHING, findings=(forged,))) == ""


@pytest.mark.parametrize("reason", [Reason.VIRUS, Reason.HARMFUL])
def test_nothing_speaks_for_what_can_do_harm(reason: Reason) -> None:
    known = Finding(history.ANSWER_TO_OURS.name, -1.5, "it answers")
    kept = replace(NOTHING, findings=(known,), prefix=PROVEN, points=5.5, reason=reason)
    assert wanted.hints(kept) == ()


@pytest.mark.parametrize(
    "prefix",
    [
        b"Authentication-Results: mail.example.test; dmarc=fail header.from=friend.test\r\n",
        b"Authentication-Results: (((((\r\n",
        b"Authentication-Results: \xff\x00;;;=\r\n",
        b"\r\n\r\nAuthentication-Results: mail.example.test; dmarc=pass\r\n",
        b"X",
    ],
)
def test_no_prefix_proves_what_it_does_not_say(prefix: bytes) -> None:
    assert words(replace(NOTHING, prefix=prefix)) == ""
