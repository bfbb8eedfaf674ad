"""Large messages on their way: whoever reads slowly holds no more memory than is meant for them."""

import gc

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import resolve

from apps.directory.models import User
from apps.ui import room
from apps.ui.room import Room
from apps.webmail.views import content
from apps.wire.errors import Overloaded
from tests.webmail.test_attachments import place

ALICE, BOB, CAROL = 1, 2, 3


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE", 0.0)
    monkeypatch.setattr(room, "SMALL", 9)


def test_nobody_takes_more_than_their_share_and_nobody_more_than_there_is() -> None:
    here = Room(100, 60)
    with here.taken(ALICE, 40):
        with pytest.raises(Overloaded, match="Too many"), here.taken(ALICE, 21):
            pass
        with here.taken(ALICE, 20), here.taken(BOB, 40):
            with pytest.raises(Overloaded), here.taken(CAROL, 10):
                pass
            with here.taken(CAROL, 9):  # small ones are not counted
                pass
        with here.taken(BOB, 60):
            pass
    with here.taken(ALICE, 60):
        pass


def test_what_is_larger_than_all_has_to_be_alone() -> None:
    here = Room(100, 60)
    with here.taken(ALICE, 1_000), pytest.raises(Overloaded), here.taken(BOB, 10):
        pass
    with here.taken(BOB, 10), pytest.raises(Overloaded), here.taken(ALICE, 1_000):
        pass


@pytest.mark.parametrize("is_closed", [True, False])
def test_an_answer_keeps_its_room_until_it_is_closed_or_gone(is_closed: bool) -> None:
    here, answer = Room(100, 60), HttpResponse()
    with here.taken(ALICE, 60) as hold:
        hold.until_gone(answer)
    with pytest.raises(Overloaded), here.taken(ALICE, 10):
        pass
    if is_closed:
        request_finished.disconnect(close_old_connections)
        answer.close()
        request_finished.connect(close_old_connections)
    else:
        del answer
    with here.taken(ALICE, 60):
        pass


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["part/2/", "source/", "source/?download", "files.zip"])
def test_who_reads_slowly_is_told_to_wait(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    at = place(reader, alice, [("a.bin", "x/y", b"x" * 1_000)])
    monkeypatch.setattr(content, "ROOM", Room(100, 100))
    request = RequestFactory().get(f"{at}{what}")
    request.user = alice
    view = resolve(request.path)
    slowly = view.func(request, *view.args, **view.kwargs)
    told = reader.get(f"{at}{what}")
    assert told.status_code == 503
    assert "Too many large messages" in told.content.decode()
    del slowly  # to close it would close the database of the test
    gc.collect()
    assert reader.get(f"{at}{what}").status_code == 200
