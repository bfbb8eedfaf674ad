"""An administrator is asked "where is my mail?", looks for it, and reads the line on top."""

import re
from collections.abc import Iterator

import pytest

from apps.delivery.recorder import journey
from apps.delivery.recorder.sight import Viewer
from apps.directory.models import Role, User
from apps.trace.models import TraceEvent
from tests.console.conftest import holder
from tests.flows.recorder.table import FAULTS, Fault
from tests.flows.recorder.world import World, soon, world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def here(alice: User, bob: User) -> Iterator[World]:
    with world() as made:
        made.people |= {
            "alice": alice,
            "bob": bob,
            "admin": holder("admin@example.test", Role.OPERATOR),
        }
        yield made


def test_there_are_twenty() -> None:
    assert len({one.name for one in FAULTS}) == 20


def lines(word: str, outcome: str) -> list[str]:
    """The sentences on top of the messages with an outcome that somebody took part in."""
    ids = TraceEvent.objects.filter(data__icontains=f'"{word}"').order_by("id")
    traced = dict.fromkeys(ids.values_list("trace_id", flat=True))
    found = [journey.tell(one, Viewer(sees_all=True)) for one in traced]
    return [
        one.headline
        for one in found
        if one is not None
        and one.folded.outcome == outcome
        and word in (one.folded.sender, *one.folded.written)
    ]


@pytest.mark.parametrize("fault", FAULTS, ids=[one.name for one in FAULTS])
def test_it_is_found_and_told_in_one_line(fault: Fault, here: World) -> None:
    word = fault.make(here)

    (found,) = soon(lambda: lines(word, fault.outcome))

    assert re.fullmatch(fault.line, found), found
