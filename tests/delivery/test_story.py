"""The story's sentences: every kind of event has one, and none fails over what stands in it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.delivery import story
from apps.trace.queries import Recorded

AT = 1_764_316_800_000_000
KINDS = (*story._SENTENCES, "reception.judged", "mx.received", "lmtp.refused", "of.tomorrow")

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    "about account action address agent and_more authentication by days dialogue for from helo"
    " host junk mailbox members next_at original points queue_id reason reply rule size status"
    " subject tls to trace traces transcript uid until why".split()
)


def told(kind: str, **data: Any) -> str:
    return story.sentence(Recorded(AT, kind, data))


@given(kind=st.sampled_from(KINDS), data=st.dictionaries(_KEYS, _JSON))
def test_any_data_has_a_sentence(kind: str, data: dict[str, Any]) -> None:
    event = Recorded(AT, kind, data)

    for line in (*story.sentences(event), *story.dialogue(event)):
        assert "\n" not in line
        assert "\x1b" not in line


def test_who_signed_in_and_the_subject_are_told_of_what_was_accepted() -> None:
    data = {"from": "ann@example.test", "to": ["bob@example.test"], "size": 9, "queue_id": "01A"}

    said = told("submission.received", **data, account="ann@example.test", subject="Hello")

    assert said == (
        "Accepted at the door submission signed in as ann@example.test: <ann@example.test> to"
        " bob@example.test, 9 bytes, queue id 01A. Its subject is: Hello"
    )


@pytest.mark.parametrize("door", ["mx", "submission", "lmtp"])
def test_a_refusal_is_told_alike_at_every_door(door: str) -> None:
    data = {"from": "ann@x.test", "to": [], "stage": "mail", "why": "too much.", "and_more": 3}

    assert told(f"{door}.refused", **data, reply="452 4.7.1 No\nreally") == (
        "Refused when its sender was named: <ann@x.test> to nobody yet and 3 more: too much. The"
        " answer was: 452 4.7.1 No / really"
    )


def test_what_was_said_stands_apart_from_the_sentence() -> None:
    at_the_door = {"dialogue": "0 < 220 we\x1b[31m\n12 > EHLO you\n?"}
    outside = {"to": "d@x.test", "host": "mx.x.test", "transcript": "> EHLO we\n< 250 you"}

    assert story.dialogue(Recorded(AT, "mx.received", at_the_door)) == [
        "< 220 we[31m",
        "> EHLO you",
    ]
    assert story.dialogue(Recorded(AT, "outbound.failed", outside)) == ["> EHLO we", "< 250 you"]
    assert "EHLO" not in told("outbound.failed", **outside)
