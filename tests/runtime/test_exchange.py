"""A row is exchanged once, by whoever finds it as they knew it."""

from collections.abc import Callable
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from apps.remote.models import TlsOverride
from apps.runtime.exchange import Values, exchange

FIRST = {"created_at": 1}
pytestmark = pytest.mark.django_db


def said(mode: str) -> dict[str, Any]:
    return {"mode": mode, "names": "[]"}


def told(now: Values | None, then: Values | None) -> bool:
    return exchange(TlsOverride, {"domain": "a.test"}, now=now, then=then, first=FIRST)


def test_it_is_exchanged_if_it_is_as_expected() -> None:
    assert told(None, said("none"))
    assert not told(None, said("dane"))
    assert not told(said("dane"), said("verify"))
    assert told(said("none"), said("verify"))
    row = TlsOverride.objects.get()
    assert (row.mode, row.created_at) == ("verify", 1)
    assert not told(said("none"), None)
    assert told(said("verify"), None)
    assert TlsOverride.objects.count() == 0
    assert not told(None, None)


def at_once(*jobs: Callable[[], bool]) -> int:
    """Do them in threads; how many succeeded."""
    start, done = Barrier(len(jobs)), []

    def work(job: Callable[[], bool]) -> None:
        start.wait(10)
        try:
            done.append(job())
        finally:
            connection.close()

    threads = [Thread(target=work, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == len(jobs)
    return sum(done)


MODES = ("none", "encrypt", "verify", "dane")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_makes_it_and_one_changes_it_and_one_removes_it() -> None:
    assert at_once(*(partial(told, None, said(mode)) for mode in MODES)) == 1
    made = said(TlsOverride.objects.get().mode)
    others = [mode for mode in MODES if said(mode) != made]
    assert at_once(*(partial(told, made, said(mode)) for mode in others)) == 1
    changed = said(TlsOverride.objects.get().mode)
    assert at_once(*[partial(told, changed, None)] * 4) == 1
