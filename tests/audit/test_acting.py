"""Who is at work: one request or command, and nobody else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext, override_settings

from apps.audit import shell
from apps.audit.acting import SERVICE, Actor, acting, current
from apps.audit.middleware import NOBODY, ActorMiddleware, actor_of
from apps.audit.models import AuditRecord
from apps.audit.services import record
from apps.directory.models import User

OLGA = Actor("user", 7, "olga@example.test", "web", "192.0.2.7")


def person(pk: int, address: str) -> Any:
    return SimpleNamespace(pk=pk, address=address, is_authenticated=True)


def request_of(user: Any, client: str = "192.0.2.7", **more: Any) -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR=client)
    request.user = user
    for name, value in more.items():
        setattr(request, name, value)
    return request


def test_it_holds_within_and_ends_behind() -> None:
    assert current() is SERVICE
    with acting(OLGA):
        with acting(Actor("command", None, "root", "command")):
            assert current().name == "root"
        assert current() is OLGA
    assert current() is SERVICE


def test_it_ends_when_what_was_done_fails() -> None:
    def fail() -> None:
        with acting(OLGA):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert current() is SERVICE


def test_other_threads_are_somebody_else() -> None:
    found: list[Actor] = []
    with acting(OLGA):
        thread = threading.Thread(target=lambda: found.append(current()))
        thread.start()
        thread.join()
    assert found == [SERVICE]


def test_many_requests_at_once_each_have_their_own() -> None:
    meeting = threading.Barrier(8)

    def page(request: HttpRequest) -> HttpResponse:
        meeting.wait(timeout=20)  # all of them are under way now
        name = current().name
        meeting.wait(timeout=20)
        return HttpResponse(f"{name} {current().name}")

    middleware = ActorMiddleware(page)
    names = [f"user{number}@example.test" for number in range(8)]

    def ask(name: str) -> str:
        answer = middleware(request_of(person(1, name)))
        return f"{bytes(getattr(answer, 'content', b'')).decode()} {current().name}"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, names * 2))
    assert answers == [f"{name} {name} mailhost" for name in names * 2]


def test_a_request_that_fails_leaves_nobody_behind() -> None:
    def page(_request: HttpRequest) -> HttpResponse:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ActorMiddleware(page)(request_of(person(1, "olga@example.test")))
    assert current() is SERVICE


def test_who_is_signed_in_acts_from_where_the_request_came() -> None:
    found = actor_of(request_of(person(7, "olga@example.test")))
    assert found == OLGA


def test_who_is_not_signed_in_has_no_name() -> None:
    for user in (AnonymousUser(), None):
        assert actor_of(request_of(user)) == Actor("user", None, NOBODY, "web", "192.0.2.7")
    bare = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    assert actor_of(bare).name == NOBODY


def test_an_administrator_who_looks_as_another_is_the_one_who_acts() -> None:
    request = request_of(person(3, "alice@example.test"), acting_by=person(7, "olga@example.test"))
    found = actor_of(request)
    assert (found.user_id, found.name) == (7, "olga@example.test")
    assert found.acting_for == "alice@example.test"


def test_who_is_said_after_the_middleware_counts_too() -> None:
    """The one that knows who looks as whom may stand behind this one."""

    def page(request: HttpRequest) -> HttpResponse:
        request.acting_by = person(7, "olga@example.test")  # type: ignore[attr-defined]
        return HttpResponse(current().name)

    answer = ActorMiddleware(page)(request_of(person(3, "alice@example.test")))
    assert getattr(answer, "content", b"") == b"olga@example.test"


@pytest.mark.django_db
def test_a_page_that_records_nothing_asks_nothing() -> None:
    Client().get("/login/")  # what is loaded once
    with CaptureQueriesContext(connection) as statements:
        assert Client().get("/login/").status_code == 200
        assert Client().get("/static/ui/app.css").status_code == 200
    assert [one["sql"] for one in statements if "directory_user" in one["sql"]] == []


def test_nobody_is_asked_before_something_is_recorded() -> None:
    def ask() -> Actor:
        raise AssertionError("nothing was recorded")

    with acting(ask):
        pass


@pytest.mark.django_db
def test_who_runs_a_command_is_named(alice: User) -> None:
    with override_settings(SUDO_USER=""), shell.at_shell():
        record("user.suspend", subject=alice.address)
    found = AuditRecord.objects.order_by("-pk")[0]
    assert (found.actor_kind, found.actor, found.door) == ("command", shell.user_name(), "command")
    assert found.actor


def test_who_called_sudo_is_the_one() -> None:
    with override_settings(SUDO_USER="olga"), shell.at_shell():
        assert current().name == "olga"
    assert shell.user_name("\x1b[2Jo" + "x" * 1_000) == "?[2Jo" + "x" * 95


def test_a_number_without_a_name_is_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 987_654)
    assert shell.user_name() == "uid 987654"
