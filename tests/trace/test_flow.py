"""Mail flow counted: as a plain count over the passages, however often and however late."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.trace import flow, services
from apps.trace.flow import DAY, EVERYTHING, HOUR, MICROSECONDS, MINUTE, QUARTER, Flowed
from apps.trace.models import (
    Cursor,
    Direction,
    Flow,
    FlowTotal,
    Outcome,
    Party,
    Passage,
    Role,
    TraceEvent,
)
from apps.trace.services import Event, rolling
from tests.support.reading import Reading, analyze

pytestmark = pytest.mark.django_db

NOW = "2026-11-25T12:30:30Z"
A, B = 7, 8  # domains
SECOND = MICROSECONDS


@pytest.fixture(autouse=True)
def _at_rest() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def passage(
    outcome: Outcome = Outcome.DELIVERED,
    *,
    ago: float = 0.0,
    direction: Direction = Direction.INCOMING,
    sender: int | None = None,
    to: tuple[int | None, ...] = (A,),
    took: float | None = 1.0,
    cause: str = "",
    size: int = 1_000,
) -> UUID:
    """A message as the index has it, `ago` seconds old, with an event that tells of it.

    Args:
        to: where the recipients are at home, to each of whom the same happened; elsewhere is None.
    """
    trace, at = new_ulid(), now_us() - round(ago * SECOND)
    whole = None if took is None else round(took * SECOND)
    Passage.objects.create(
        trace_id=trace, at=at, last_at=at, direction=direction, door="mx", sender="a@x.test",
        size=size, outcome=outcome, cause=cause,
        took=whole,
    )  # fmt: skip
    party(trace, Role.SENDER, sender, None if to else outcome, counted=sender, took=whole)
    for home in to:
        party(trace, Role.WRITTEN, home, outcome, counted=home or sender, took=whole)
    touch(trace)
    return trace


def party(
    trace: UUID,
    role: Role,
    home: int | None,
    outcome: Outcome | None,
    *,
    counted: int | None,
    took: int | None = None,
) -> None:
    """Somebody who took part in it."""
    at = Passage.objects.values_list("at", flat=True).get(trace_id=trace)
    Party.objects.create(
        trace_id=trace, at=at, role=role, address=f"{role}{home}@x.test", domain="x.test",
        domain_id=home, outcome=outcome, took=took, counted_id=counted,
    )  # fmt: skip


def become(outcome: Outcome, *traces: UUID, took: float | None = 1.0) -> None:
    """Something else has become of them."""
    whole = None if took is None else round(took * SECOND)
    Passage.objects.filter(trace_id__in=traces).update(outcome=outcome, took=whole)
    Party.objects.filter(trace_id__in=traces, outcome__isnull=False).update(
        outcome=outcome, took=whole
    )
    touch(*traces)


def touch(*traces: UUID) -> None:
    """Something happened to them, and the index has read it."""
    services.record([Event(trace, "x") for trace in traces])
    read = TraceEvent.objects.order_by("-pk").values_list("pk", flat=True)[0]
    Cursor.objects.update_or_create(name="passages", defaults={"event_id": read})


def today(scope: int = EVERYTHING) -> Flowed:
    """All that is counted of the last day."""
    since = (now_us() // SECOND // HOUR - 23) * HOUR * SECOND
    return sum(flow.course([scope], since_us=since, step=HOUR, steps=24), Flowed())


def last_hour(scope: int = EVERYTHING) -> list[Flowed]:
    since = (now_us() // SECOND // MINUTE - 59) * MINUTE * SECOND
    return flow.course([scope], since_us=since, step=MINUTE, steps=60)


def test_each_outcome_is_counted_where_it_belongs() -> None:
    for outcome in Outcome:
        passage(outcome)
    passage(Outcome.DELIVERED, direction=Direction.OUTGOING, sender=A, to=())
    passage(Outcome.REFUSED, cause="Refused: virus Eicar-Test")
    rolling.roll()

    found = today()

    taken = len(Outcome) - 2
    assert (found.received, found.sent, found.refused, found.put_off) == (taken, 1, 2, 1)
    assert (found.delivered, found.handed, found.junk, found.quarantined) == (1, 1, 1, 1)
    assert (found.deferred, found.bounced, found.viruses) == (1, 1, 1)
    assert found.octets == (taken + 1) * 1_000
    assert (found.arrived, found.took, found.times[3]) == (2, 2 * SECOND, 2)
    assert sum(last_hour(), Flowed()) == found


def test_what_is_longer_is_the_sum_of_its_hours() -> None:
    traces = [passage(ago=number * 5_000, to=(A, B)) for number in range(60)]
    rolling.roll()
    become(Outcome.JUNK, *traces[::3])
    rolling.roll()

    for scope in (EVERYTHING, A):
        sums = []
        for step in (HOUR, QUARTER, DAY):
            since = (now_us() // SECOND // DAY - 5) * DAY * SECOND
            course = flow.course([scope], since_us=since, step=step, steps=6 * DAY // step)
            sums.append(sum(course, Flowed()))
        assert sums[0] == sums[1] == sums[2]
        assert (sums[0].received, sums[0].junk) == (60, 20)


def test_a_domain_counts_what_became_of_its_own_recipients() -> None:
    trace = passage(to=(A,))
    Passage.objects.filter(trace_id=trace).update(outcome=Outcome.REFUSED, cause="Refused: virus X")
    party(trace, Role.WRITTEN, B, Outcome.REFUSED, counted=B)
    rolling.roll()

    assert (today(A).delivered, today(A).refused, today(A).viruses) == (1, 0, 0)
    assert (today(B).delivered, today(B).refused, today(B).viruses) == (0, 1, 1)
    assert (today().delivered, today().refused) == (0, 1)  # one message, by who needs a look


def test_two_domains_of_one_administrator_add_up_to_their_recipients() -> None:
    passage(to=(A, B))
    passage(direction=Direction.INTERNAL, sender=A, to=(B,))
    passage(direction=Direction.OUTGOING, sender=A, to=(B, None))
    rolling.roll()

    assert (today().received, today().sent) == (2, 1)
    assert (today(A).received, today(B).received) == (1, 3)
    assert (today(A).sent, today(B).sent) == (1, 0)  # what is for B is received there
    since = (now_us() // SECOND // HOUR - 23) * HOUR * SECOND
    both = sum(flow.course([A, B], since_us=since, step=HOUR, steps=24), Flowed())
    assert (both.received, both.sent) == (4, 1)


def test_what_an_alias_leads_elsewhere_is_sent_by_its_domain() -> None:
    trace = passage(to=())
    party(trace, Role.WRITTEN, A, None, counted=None)
    party(trace, Role.FINAL, None, Outcome.DEFERRED, counted=A)
    rolling.roll()

    assert (today(A).received, today(A).sent, today(A).deferred) == (0, 1, 1)


def test_a_user_who_is_stopped_before_naming_anybody_counts_once() -> None:
    passage(Outcome.PUT_OFF, direction=Direction.OUTGOING, sender=A, to=())
    rolling.roll()

    assert (today(A).put_off, today(A).sent) == (1, 0)


def test_what_was_indexed_before_outcomes_were_kept_is_not_counted_for_a_domain() -> None:
    trace = passage(to=())
    party(trace, Role.WRITTEN, A, None, counted=None)
    rolling.roll()

    assert (today().received, today(A)) == (1, Flowed())


def test_who_is_only_named_as_a_sender_by_a_stranger_has_nothing_to_do_with_it() -> None:
    trace = passage(Outcome.REFUSED, to=(A,))
    party(trace, Role.SENDER, B, None, counted=None)
    rolling.roll()

    assert (today(A).refused, today(B)) == (1, Flowed())


def test_to_count_again_changes_nothing() -> None:
    traces = [passage(ago=number * 60) for number in range(70)]
    rolling.roll()
    before = today(), last_hour(), flow.standing().total

    touch(*traces)
    rolling.roll()
    FlowTotal.objects.update(event_id=0)  # as if all were new
    rolling.roll()

    assert (today(), last_hour(), flow.standing().total) == before
    assert today().received == 70


def test_what_becomes_of_a_message_later_is_told_where_it_began() -> None:
    trace = passage(Outcome.DEFERRED, ago=3 * 86_400, took=None)
    rolling.roll()
    become(Outcome.BOUNCED, trace)
    rolling.roll()

    hours = list(Flow.objects.filter(span=HOUR, domain_id=EVERYTHING).order_by("at"))
    assert [(one.deferred, one.bounced, one.received) for one in hours] == [(0, 1, 1)]
    assert not Flow.objects.filter(span=MINUTE).exists()  # minutes are kept for two days
    total = flow.standing().total
    assert (total.deferred, total.bounced, total.received) == (1, 1, 1)  # it was both


def test_totals_only_rise() -> None:
    trace = passage(Outcome.QUARANTINED, took=None)
    rolling.roll()
    become(Outcome.DELIVERED, trace, took=9.0)
    rolling.roll()
    with time_machine.travel("2027-03-25T12:00:00Z", tick=False):
        rolling.roll()  # all of them are older than they are kept
        assert not Flow.objects.exists()

    total = flow.standing().total
    assert (total.received, total.quarantined, total.delivered) == (1, 1, 1)


def test_an_index_that_is_made_anew_is_counted_anew_and_totals_do_not_rise_by_it() -> None:
    traces = [passage(ago=number * 3_600) for number in range(3)]
    rolling.roll()
    before = today(), flow.standing().total

    Cursor.objects.update(event_id=1)  # one message is there again, the others are not
    gone = list(Passage.objects.exclude(trace_id=traces[0]))
    Passage.objects.exclude(trace_id=traces[0]).delete()
    rolling.roll()
    Passage.objects.bulk_create(gone)
    Cursor.objects.update(event_id=TraceEvent.objects.order_by("-pk")[0].pk)
    rolling.roll()

    assert (today(), flow.standing().total) == before


def test_a_worker_that_was_away_for_a_day_comes_after_in_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rolling, "HOURS", 5)
    monkeypatch.setattr(rolling, "EVENTS", 40)
    for number in range(120):
        passage(ago=(120 - number) * 720)

    assert rolling.roll(seconds=0.0) == 1  # a bounded part, and what is there is right
    first = FlowTotal.objects.get().event_id
    assert 0 < first < TraceEvent.objects.order_by("-pk")[0].pk
    until = flow.standing().until_us
    assert until == TraceEvent.objects.filter(pk__gt=first).order_by("pk")[0].at
    steps = rolling.roll()

    assert steps >= 4
    assert sum(one.received for one in Flow.objects.filter(span=HOUR, domain_id=A)) == 120
    assert flow.standing().until_us == now_us()
    assert rolling.roll() == 0


def test_who_counts_what_somebody_else_has_counted_meanwhile_leaves_it() -> None:
    passage()
    FlowTotal.objects.get_or_create(name=flow.NAME)
    step = rolling._next()
    assert step is not None

    assert rolling._count(step)
    assert not rolling._count(step)

    assert (today().received, flow.standing().total.received) == (1, 1)


def test_who_dies_within_a_step_has_it_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    passage()

    def die(span: int, begins: int) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(rolling, "_add_up", die)
        with pytest.raises(RuntimeError):
            rolling.roll()
    rolling.roll()

    assert flow.standing().total.received == today().received == 1
    rows = Flow.objects.filter(domain_id=A).order_by("span").values_list("span", "received")
    assert list(rows) == [(MINUTE, 1), (HOUR, 1), (QUARTER, 1), (DAY, 1)]


def test_nothing_is_counted_of_what_the_index_has_not_read() -> None:
    passage()
    FlowTotal.objects.create(name=flow.NAME, event_id=TraceEvent.objects.get().pk - 1)
    Cursor.objects.update(event_id=TraceEvent.objects.get().pk - 1)

    assert rolling.roll() == 0
    found = flow.standing()
    assert (found.unread, found.total) == (1, Flowed())
    assert found.unread_since_us == now_us()


def test_a_new_installation_has_counted_nothing() -> None:
    assert flow.standing() == flow.Standing(Flowed(), 0, 0, None)
    assert today() == Flowed()
    assert flow.course([], since_us=0, step=HOUR, steps=2) == [Flowed(), Flowed()]
    assert Flowed().within(0.5) is None


_HOMES = st.sampled_from([None, A, B])


@given(st.lists(st.tuples(st.sampled_from(list(Direction)), _HOMES,
                          st.dictionaries(_HOMES, st.sampled_from(list(Outcome)), min_size=1),
                          st.integers(0, 7_200)), max_size=12))  # fmt: skip
def test_it_is_a_plain_count(
    rows: list[tuple[Direction, int | None, dict[int | None, Outcome], int]],
) -> None:
    for model in (Passage, Party, TraceEvent, Flow, FlowTotal, Cursor):
        model.objects.all().delete()
    wanted: Counter[tuple[int, str]] = Counter()
    for direction, sender, to, ago in rows:
        whole = next(iter(to.values()))
        trace = passage(whole, direction=direction, sender=None, to=(), ago=ago)
        Party.objects.filter(trace_id=trace).delete()
        _plainly(wanted, EVERYTHING, whole, is_sent=direction == Direction.OUTGOING)
        for home, outcome in to.items():
            party(trace, Role.WRITTEN, home, outcome, counted=home or sender)
            if home or sender:
                _plainly(wanted, home or sender or 0, outcome, is_sent=home is None)
    rolling.roll()

    for scope in (EVERYTHING, A, B):
        found = today(scope)
        for name in ("received", "sent", "refused", "bounced"):
            assert getattr(found, name) == wanted[scope, name], (scope, name)


def _plainly(
    wanted: Counter[tuple[int, str]], scope: int, outcome: Outcome, *, is_sent: bool
) -> None:
    is_taken = outcome not in (Outcome.REFUSED, Outcome.PUT_OFF)
    wanted[scope, "sent" if is_sent else "received"] += is_taken
    wanted[scope, "refused"] += outcome == Outcome.REFUSED
    wanted[scope, "bounced"] += outcome == Outcome.BOUNCED


@pytest.mark.parametrize(
    ("times", "half", "most"),
    [
        ({3: 100}, 0.75, 0.975),
        ({0: 90, 6: 10}, 0.0556, 7.5),
        ({12: 4}, 7_200.0, 7_200.0),
    ],
)
def test_shares_of_times(times: dict[int, int], half: float, most: float) -> None:
    found = Flowed(times=tuple(times.get(place, 0) for place in range(13)))

    assert found.within(0.5) == pytest.approx(half, abs=0.001)
    assert found.within(0.95) == pytest.approx(most, abs=0.001)


def test_what_is_read_and_how_often_does_not_depend_on_how_much_there_is() -> None:
    for domain in range(1, 41):
        Flow.objects.bulk_create(
            Flow(span=HOUR, domain_id=domain, at=hour * HOUR * SECOND, received=1)
            for hour in range(90)
        )
    analyze()
    reading = Reading(("trace_flow",))
    with connection.execute_wrapper(reading), CaptureQueriesContext(connection) as captured:
        found = flow.course([3, 4], since_us=HOUR * SECOND, step=HOUR, steps=24)

    assert [one.received for one in found] == [2] * 24
    assert len(captured) == 1
    assert reading.beyond(2_000) == []  # 48 rows; each of their 25 sums is work


def test_counting_reads_its_minutes_alone() -> None:
    Passage.objects.bulk_create(
        Passage(
            trace_id=new_ulid(), at=now_us() - (number + 2) * HOUR * SECOND, last_at=0,
            direction=Direction.INCOMING, door="mx", sender="", outcome=Outcome.DELIVERED,
        )
        for number in range(3_000)
    )  # fmt: skip
    passage()
    analyze()
    reading = Reading(("trace_passage", "trace_party"))
    with connection.execute_wrapper(reading):
        rolling.roll()

    assert reading.found
    assert reading.beyond(1_000) == []
