"""Events as they travel."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.events.types import (
    AnnotationsChanged,
    DeliveryChanged,
    Event,
    EventsMissed,
    HeavyRang,
    LooksChanged,
    MailboxChanged,
    MailboxesChanged,
    MessageJudged,
    QueueRang,
    UserChanged,
    decode,
    encode,
    merge,
)

EVERY: list[Event] = [
    MailboxChanged(1, 2),
    MailboxesChanged(3),
    AnnotationsChanged(3, 7),
    UserChanged(4),
    QueueRang(),
    HeavyRang(),
    MessageJudged(2**128 - 1),
    DeliveryChanged(5),
    LooksChanged(6),
    EventsMissed(),
]


def test_it_brings_every_event_across() -> None:
    assert decode(encode(EVERY)) == EVERY


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[1]",
        b"[[]]",
        b'[["FromTheFuture", 1]]',
        b'[["MailboxChanged"]]',
        b'[["MailboxChanged", 1, 2, 3]]',
        b'[["MailboxChanged", "1", 2]]',
        b'[["MailboxChanged", true, 2]]',
        b'[["QueueRang", 1]]',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_it_leaves_out_what_it_cannot_read(raw: bytes) -> None:
    assert decode(raw) == []


def test_it_reads_the_known_among_the_unknown() -> None:
    assert decode(b'[["New", 1], ["UserChanged", 5]]') == [UserChanged(5)]


@given(st.binary(max_size=200))
def test_it_answers_to_anything(raw: bytes) -> None:
    assert isinstance(decode(raw), list)


def test_it_merges_by_mailbox_to_the_newest() -> None:
    merged: dict[tuple[str, int], Event] = {}
    merge(merged, [MailboxChanged(1, 5), MailboxChanged(2, 1), MailboxChanged(1, 4)])
    merge(merged, [QueueRang(), QueueRang(), MailboxChanged(2, 3)])
    assert list(merged.values()) == [MailboxChanged(1, 5), MailboxChanged(2, 3), QueueRang()]
