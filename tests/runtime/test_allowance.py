"""Room for all together, and no more than a share of it for one."""

from apps.runtime.allowance import Allowance


def test_it_gives_room_until_there_is_none() -> None:
    some, woken = Allowance(100, 100), list[str]()
    assert some.take(60, 1, lambda: woken.append("one"))
    assert not some.take(50, 2, lambda: woken.append("two"))
    assert some.take(40, 3, lambda: woken.append("three"))
    assert some.taken == 100
    assert woken == []
    some.give_back(60, 1)
    assert woken == ["two"]
    assert some.taken == 40


def test_it_keeps_room_for_others() -> None:
    some = Allowance(100, 40)

    def wake() -> None:
        """Nothing to do."""

    assert some.take(40, 1, wake)
    assert not some.take(1, 1, wake)
    assert some.take(40, 2, wake)
    some.give_back(40, 1)
    assert some.take(1, 1, wake)


def test_it_wakes_who_waits_in_order_and_nobody_who_left() -> None:
    some, woken = Allowance(10, 10), list[int]()
    wakes = [lambda number=number: woken.append(number) for number in range(4)]
    assert some.take(10, 1, wakes[0])
    for wake in wakes[1:]:
        assert not some.take(5, 2, wake)
    some.leave(wakes[2])
    some.give_back(10, 1)
    assert woken == [1, 3]
    assert some.take(5, 2, wakes[1])
    some.give_back(5, 2)
    assert woken == [1, 3, 3]
