"""An administrator is asked "where is my mail?", looks for it in the console, and reads the line on
top."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from apps.directory.models import Role, User
from tests.console.conftest import holder
from tests.flows.recorder.table import FAULTS, Fault
from tests.flows.recorder.world import World, soon, world

TOLD = Path(__file__).parents[3] / "docs" / "trace.md"
_LINKS = re.compile(r'href="(/admin/trace/[0-9A-Z]{26}/)"')
_TOP = re.compile(r'trace-cause">.*?<bdi>(.*?)</bdi>', re.DOTALL)

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


def found(admin: Client, word: str, outcome: str) -> list[str]:
    """The pages of the messages that the search finds."""
    page = admin.get("/admin/trace/", {"text": word, "outcome": outcome})
    assert page.status_code == 200
    return _LINKS.findall(page.content.decode())


def top(admin: Client, page: str) -> str:
    """The sentence on top of the page of a message."""
    answer = admin.get(page)
    assert answer.status_code == 200
    said = _TOP.search(answer.content.decode())
    assert said is not None
    return html.unescape(said[1])


@pytest.mark.parametrize("fault", FAULTS, ids=[one.name for one in FAULTS])
def test_it_is_found_and_told_in_one_line(fault: Fault, here: World) -> None:
    word = fault.make(here)
    admin = here.browser("admin")

    (page,) = soon(lambda: found(admin, word, fault.outcome))

    assert re.fullmatch(fault.line, top(admin, page)), top(admin, page)


def test_there_are_twenty_and_the_manual_names_them() -> None:
    names = [one.name for one in FAULTS]

    rows = re.findall(r"^\| \d+ \| ([^|]+?) \|", TOLD.read_text(), re.MULTILINE)

    assert len(set(names)) == 20
    assert rows == names
