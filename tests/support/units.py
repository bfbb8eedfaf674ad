"""Pytest plugin: what a test process is given at once, in which order, and what it may ask for.

A file stays on one process, and so do each half of tests/browser, and all of tests/clients: what
they start is started once for each. Files that start whole programs and wait for them are dealt out
among the others, the first ones early: so there is always somebody who computes while others wait,
and nobody who waits alone at the end. Of each table of cases a pass may take a few only (FEW).
Loaded by tests/run.py (`-p tests.support.units`).
"""

import gc
import os
from bisect import bisect
from collections.abc import Generator
from contextlib import suppress
from importlib import import_module
from inspect import isfunction
from pathlib import Path

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]  # xdist has no types
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # the same

_LINES = (Path(__file__).parent.parent / "pure.txt").read_text().splitlines()
PURE = tuple(line for line in _LINES if line and not line.startswith("#"))
ASKS = frozenset({"db", "transactional_db"})
# Folders whose files share what is started for them, each with the names at which it is cut.
TOGETHER = {"tests/browser/": ("test_f",), "tests/clients/": ()}
WAITING = ("tests/faults/", "tests/flows/")
FEW = "MAILHOST_TESTS_FEW"  # set by tests/run.py: how many cases of each table; all of them if not
MORE = {  # cases of tables in these files: each of them asks the database another thing
    "tests/directory/services/test_races.py": 100,
    "tests/mailqueue/": 100,
    "tests/mailstore/test_fsck_damage.py": 18,
    "tests/search/finding/": 100,
    "tests/search/test_races.py": 4,
}
GARBAGE = 10_000  # objects that are made until it is looked for
SPREAD = 0.7  # of the others: the last one that waits begins when they are through so far


class Units(LoadFileScheduling):  # type: ignore[misc]  # the same
    """Deals out whole files, and whole parts of the folders of TOGETHER."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def unit(nodeid: str) -> str:
    """What the test belongs to: all of it goes to one process."""
    file = nodeid.split("::")[0]
    for folder, cuts in TOGETHER.items():
        if file.startswith(folder):
            return f"{folder}{bisect(cuts, file.removeprefix(folder))}"
    return file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Units:
    return Units(config, log)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Each process collects all tests, and so would compile all of a fresh clone, beside the
    others. Here each begins with a share of the files, and finds the rest compiled by them."""
    gc.disable()  # of what is made now nothing becomes garbage: a quarter of the time
    config = session.config
    worker = getattr(config, "workerinput", None)
    if worker is not None and config.args == config.getini("testpaths"):
        ignored = tuple(str(config.rootpath / path) for path in config.getoption("ignore") or ())
        files = sorted((config.rootpath / "tests").rglob("test_*.py"))
        number, of = int(worker["workerid"].removeprefix("gw")), int(worker["workercount"])
        for file in files[number::of]:
            if not str(file).startswith(ignored):
                name = ".".join(file.relative_to(config.rootpath).with_suffix("").parts)
                with suppress(Exception):  # the collection, which comes next, tells of it
                    import_module(name)
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Collector, obj: object
) -> list[pytest.Item | pytest.Collector] | None:
    """Half of all tests are long: in the short form they are not even made."""
    if not isfunction(obj) or collector.config.getoption("markexpr") != "not long":
        return None
    marks = [*getattr(obj, "pytestmark", ()), *collector.iter_markers()]
    return [] if any(mark.name == "long" for mark in marks) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if number := int(os.environ.get(FEW, "0")):
        kept = set(few([item.nodeid for item in items], number))
        config.hook.pytest_deselected(items=[one for one in items if one.nodeid not in kept])
        items[:] = [item for item in items if item.nodeid in kept]
    found: dict[str, list[pytest.Item]] = {}
    for item in items:
        found.setdefault(unit(item.nodeid), []).append(item)
    items[:] = [item for name in dealt(list(found)) for item in found[name]]


def pytest_runtest_setup(item: pytest.Item) -> None:
    asked = item.get_closest_marker("django_db") or ASKS & set(getattr(item, "fixturenames", ()))
    if asked and item.nodeid.startswith(PURE):
        pytest.fail("It asks for a database, and tests/pure.txt says that nothing here does.")


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: who collects garbage, or forks, leaves them alone."""
    gc.freeze()
    gc.set_threshold(GARBAGE)


def few(names: list[str], number: int) -> list[str]:
    """Of each table of cases so many, from its first to its last, and all other tests."""
    tables: dict[str, list[str]] = {}
    for name in names:
        tables.setdefault(name.partition("[")[0], []).append(name)
    kept: list[str] = []
    for name, cases in tables.items():
        most = next((more for path, more in MORE.items() if name.startswith(path)), number)
        last = len(cases) - 1
        places = range(len(cases)) if last < most else (last * n // (most - 1) for n in range(most))
        kept += [cases[place] for place in places]
    return kept


def dealt(units: list[str]) -> list[str]:
    """The same units: folders first, then those that wait among those that compute."""
    folders = sorted(name for name in units if not name.endswith(".py"))
    waiting = [name for name in units if name.startswith(WAITING)]
    others = [name for name in units if name not in folders and name not in waiting]
    places = {name: number / len(others) for number, name in enumerate(others)}
    places |= {name: SPREAD * number / len(waiting) for number, name in enumerate(waiting)}
    return [*folders, *sorted(places, key=lambda name: places[name])]
