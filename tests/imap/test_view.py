"""Sequence numbers, by table and by chance."""

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.imap.proto.sets import STAR, SequenceSet
from apps.imap.selected import places
from apps.imap.selected.mirror import Mirror
from apps.imap.selected.view import NoMessageError, Pending, View


def mirror(*uids: int) -> Mirror:
    one = Mirror(1)
    one.apply([(uid, 0, 0, uid) for uid in uids], [], max(uids, default=0))
    return one


def numbers(*ranges: tuple[int, int]) -> SequenceSet:
    return SequenceSet(ranges)


def test_it_tells_nothing_when_nothing_happened() -> None:
    view = View(mirror(1, 2, 3))
    assert view.count == 3
    assert not view.has_news
    assert view.take(expunges=True) == Pending((), (), None, ())


def test_it_tells_new_messages() -> None:
    box = mirror(1, 2)
    view = View(box)
    box.apply([(5, 0, 0, 9)], [], 9)
    assert view.count == 2
    assert view.seq_of(5) is None
    assert view.has_news
    assert view.take(expunges=False) == Pending((), (), 3, ())
    assert view.seq_of(5) == 3


def test_it_keeps_numbers_until_expunges_are_told() -> None:
    box = mirror(10, 20, 30, 40)
    view = View(box)
    box.apply([], [20, 30], 50)
    assert view.pick(numbers((1, STAR)), uid=False) == ([1, 2, 3, 4], [10, 20, 30, 40])
    assert view.pick(numbers((1, 25)), uid=True) == ([1, 2], [10, 20])
    assert view.is_gone(20)
    assert view.live_count == 2
    assert view.take(expunges=False) == Pending((), (), None, ())
    assert view.take(expunges=True) == Pending((3, 2), (20, 30), None, ())
    assert view.pick(numbers((1, STAR)), uid=False) == ([1, 2], [10, 40])
    assert not view.is_gone(20)


def test_it_tells_new_messages_only_behind_the_expunges() -> None:
    box = mirror(1, 2)
    view = View(box)
    box.apply([(3, 0, 0, 7)], [1], 7)
    assert view.take(expunges=False) == Pending((), (), None, ())
    assert view.take(expunges=True) == Pending((1,), (1,), 2, ())


def test_it_forgets_what_came_and_went_untold() -> None:
    box = mirror(1)
    view = View(box)
    box.apply([(2, 0, 0, 5)], [], 5)
    box.apply([], [2], 6)
    assert not view.has_news
    box.apply([(3, 0, 0, 7)], [], 7)
    assert view.take(expunges=False) == Pending((), (), 2, ())


def test_it_tells_changed_flags_by_the_numbers_that_hold_then() -> None:
    box = mirror(1, 2, 3)
    view = View(box)
    box.apply([(3, 1, 0, 8), (1, 4, 0, 8)], [1], 8)
    assert view.take(expunges=False) == Pending((), (), None, ((3, 3),))
    box.apply([(3, 2, 0, 9)], [2], 9)
    assert view.take(expunges=True) == Pending((2, 1), (1, 2), None, ((1, 3),))


def test_it_tells_no_change_that_was_told_otherwise() -> None:
    box = mirror(1, 2)
    view = View(box)
    box.apply([(1, 1, 0, 5), (2, 1, 0, 5)], [], 5)
    view.forget_changes([1])
    assert view.take(expunges=True) == Pending((), (), None, ((2, 2),))


@pytest.mark.parametrize("ranges", [((4, 4),), ((1, 9),), ((9, STAR),)])
def test_it_refuses_numbers_beyond_the_last(ranges: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(NoMessageError):
        View(mirror(1, 2, 3)).pick(SequenceSet(ranges), uid=False)


def test_it_knows_no_message_of_an_empty_mailbox() -> None:
    view = View(mirror())
    with pytest.raises(NoMessageError):
        view.pick(numbers((1, STAR)), uid=False)
    assert view.pick(numbers((1, STAR)), uid=True) == ([], [])
    assert view.live_mask(numbers((1, STAR)), uid=False) == b""


def test_it_never_walks_through_the_numbers_of_a_set() -> None:
    view = View(mirror(5, 4_000_000_000))
    found = view.pick(numbers((1, 2**32 - 1)), uid=True)
    assert found == ([1, 2], [5, 4_000_000_000])
    assert view.live_mask(numbers((1, 2**32 - 1)), uid=False) == b"\1\1"


def test_it_masks_the_live_messages() -> None:
    box = mirror(10, 20, 30, 40)
    view = View(box)
    box.apply([], [20], 50)
    assert view.live_mask(numbers((2, 3)), uid=False) == b"\0\1\0"
    assert view.live_mask(numbers((20, 40)), uid=True) == b"\0\1\1"


def test_it_numbers_the_live_messages_as_the_client_does() -> None:
    box = mirror(10, 20, 30, 40)
    view = View(box)
    assert list(view.live_seqs) == [1, 2, 3, 4]
    box.apply([(50, 0, 0, 9)], [10, 30], 50)
    assert list(view.live_seqs) == [2, 4]
    view.take(expunges=True)
    assert list(view.live_seqs) == [1, 2, 3]


def test_it_says_where_recent_messages_lie_in_a_page() -> None:
    view = View(mirror(10, 20, 30, 40, 50))
    view.add_recent(15, 31)
    view.add_recent(45, 60)
    assert list(view.recent_runs([10, 20, 30, 40, 50])) == [(1, 3), (4, 5)]
    assert list(view.recent_runs([30, 40])) == [(0, 1)]
    assert list(view.recent_runs([40])) == []


def test_it_knows_whose_flags_it_has_not_told() -> None:
    box = mirror(10, 20, 30)
    view = View(box)
    assert view.untold() == frozenset()
    box.apply([(10, 1, 0, 60), (30, 1, 0, 60)], [], 60)
    assert view.untold() == {10, 30}
    view.forget_changes([10])
    assert view.untold() == {30}


def test_it_says_what_is_recent() -> None:
    view = View(mirror(1, 2, 3))
    view.add_recent(2, 4)
    view.add_recent(4, 6)
    assert view.recent_count == 2
    assert [view.is_recent(uid) for uid in (1, 2, 5, 6)] == [False, True, True, False]


def test_it_ends_with_its_session() -> None:
    box = mirror(1)
    view = View(box)
    view.close()
    box.apply([], [1], 5)
    assert not view.is_gone(1)


@dataclass
class Client:
    """What a client believes, by nothing but what it is told."""

    uids: list[int]
    told: dict[int, int] = field(default_factory=dict)

    def hear(self, pending: Pending, box: Mirror, view: View) -> None:
        for seq in pending.expunged:
            self.told.pop(self.uids.pop(seq - 1), None)
        if pending.exists is not None:
            for seq in range(len(self.uids) + 1, pending.exists + 1):
                _, uids = view.pick(numbers((seq, seq)), uid=False)
                self.uids += uids
                self.told[uids[0]] = (box.flags_of(uids[0]) or (0, 0))[0]
        for seq, uid in pending.changed:
            assert self.uids[seq - 1] == uid
            self.told[uid] = (box.flags_of(uid) or (0, 0))[0]


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["add", "expunge", "flag", "poll", "wait"]), st.integers(0, 99)),
    max_size=40,
)


@settings(max_examples=300)
@given(ACTIONS)
def test_it_leads_a_client_to_the_truth(actions: list[tuple[str, int]]) -> None:
    """The mirror test of the object alone: after any history the client knows what there is."""
    box = mirror(1, 2, 3)
    view = View(box)
    client = Client([1, 2, 3], {1: 0, 2: 0, 3: 0})
    next_uid, modseq = 4, 10
    for action, number in actions:
        modseq += 1
        if action == "add":
            box.apply([(next_uid, number & 31, 0, modseq)], [], modseq)
            next_uid += 1
        elif action == "expunge" and len(box):
            box.apply([], [box.uids[number % len(box)]], modseq)
        elif action == "flag" and len(box):
            box.apply([(box.uids[number % len(box)], number & 31, 0, modseq)], [], modseq)
        elif action in {"poll", "wait"}:
            client.hear(view.take(expunges=action == "poll"), box, view)
        assert view.count == len(client.uids)
    client.hear(view.take(expunges=True), box, view)
    assert client.uids == list(box.uids)
    assert [client.told[uid] for uid in box.uids] == list(box.flags)


def crowd(count: int, sessions: int) -> tuple[Mirror, list[View]]:
    box = Mirror(1)
    box.apply([(uid, 0, 0, 1) for uid in range(1, count + 1)], [], 1)
    return box, [View(box) for _ in range(sessions)]


def test_it_costs_about_one_mirror_for_many_sessions() -> None:
    """50 sessions that say nothing while every message changes and every other one is expunged."""
    count = 100_000
    box, views = crowd(count, 50)
    box.apply([(uid, 1, 0, 2) for uid in range(1, count + 1)], [], 2)
    box.apply([], range(1, count + 1, 2), 3)
    held = {
        id(one): sys.getsizeof(one)
        for view in views
        for one in (view._uids, view._dirty, view._ghosts)
    }
    # The array that all clients still count by, and two bits a message for each.
    assert sum(held.values()) < 10 * count + 50 * count // 3
    told = views[7].take(expunges=False)
    assert len(told.changed) == count // 2
    assert len(views[7].take(expunges=True).expunged) == count // 2


def test_it_works_out_once_what_happened_for_all_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    box, views = crowd(1_000, 50)
    worked: list[int] = []
    honest = places.to_bits

    def counted(uids: Sequence[int], within: "array[int]") -> int:
        worked.append(len(uids))
        return honest(uids, within)

    monkeypatch.setattr(places, "to_bits", counted)
    box.apply([(uid, 1, 0, 2) for uid in range(1, 501)], [], 2)
    box.apply([], range(1, 101), 3)
    box.apply([], range(101, 201), 4)  # all still count by the same older array
    assert worked == [500, 100, 100]
    assert all(len(view.take(expunges=True).expunged) == 200 for view in views)
