"""Every address of the house: no form without a token, no change by looking."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from apps.directory.models import Role, RoleGrant, User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
LONG = pytest.mark.long  # what Django answers as it does the others
FORM = "application/x-www-form-urlencoded"

# What stands for each kind of argument; numbers for all others.
SAMPLES = {"str": "x" * 20, "slug": "inbox", "path": "x", "uuid": str(UUID(int=1))}
_ARGUMENT = re.compile(r"<(?:(\w+):)?\w+>")
# The demo's link signs in, and is there in a demo alone (tests/demo).
# A list that is taken along is noted in the audit log, and nothing else comes of it.
WRITES_BY_GET = {"demo", "console-policies-lists-export", "console-policies-domain-lists-export"}
# The interface for programs looks at no cookie: to it a browser is nobody.
REFUSED = {401, 403, 404, 405}
SAFE = ("SELECT", "SAVEPOINT", "RELEASE", "BEGIN", "ROLLBACK", "WITH", "EXPLAIN", "PRAGMA")


def addresses(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, str]]:
    """Path and name of every pattern."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, route)
        elif isinstance(entry, URLPattern):
            route = _ARGUMENT.sub(lambda found: SAMPLES.get(found[1] or "str", "1"), route)
            yield f"/{route}", entry.name or ""


ALL = sorted(set(addresses(get_resolver())))


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice's, who runs the installation and has just signed in."""
    RoleGrant.objects.create(user=alice, role=Role.OPERATOR)
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    client.force_login(alice)
    session = client.session
    session["proved"] = 2**40  # whatever page she asks for, it does not ask for her password first
    session.save()
    return client


def test_they_are_all_there() -> None:
    assert len(ALL) > 30
    assert not [path for path, _ in ALL if "<" in path]


@pytest.mark.parametrize(
    "kind", [FORM, *(pytest.param(one, marks=LONG) for one in ("application/json", "text/plain"))]
)
def test_no_form_is_taken_without_a_token(browser: Client, kind: str) -> None:
    for path, _ in ALL:
        with CaptureQueriesContext(connection) as asked:
            response = browser.post(path, "", content_type=kind, secure=True)
            assert response.status_code in REFUSED, (path, kind)
            if kind == FORM:
                response = browser.post(
                    path, {"a": "b"}, secure=True, headers={"origin": "https://evil.invalid"}
                )
                assert response.status_code in REFUSED, path
        assert written(asked) == [], path


@LONG  # in the short form tests/console/test_matrix.py asks them all by DELETE
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_other_method_is_taken_either(browser: Client, method: str) -> None:
    for path, _ in ALL:
        response = getattr(browser, method)(path, secure=True)
        assert response.status_code in REFUSED, path


@pytest.mark.parametrize(
    "method", ["get", *(pytest.param(one, marks=LONG) for one in ("head", "options"))]
)
def test_looking_changes_nothing(browser: Client, method: str) -> None:
    for path, name in ALL:
        if name in WRITES_BY_GET:
            continue
        before = transaction.savepoint()
        if _wrote(browser, method, path):  # it may keep something for later, once
            transaction.savepoint_rollback(before)
            getattr(browser, method)(path, secure=True)
            assert _wrote(browser, method, path) == [], path


def _wrote(browser: Client, method: str, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        response = getattr(browser, method)(path, {"do": "delete", "others": "1"}, secure=True)
    assert response.status_code < 500, path
    return written(asked)


def test_nobody_is_signed_in_by_another_site(alice: User) -> None:
    """Login CSRF: a form of evil.invalid that signs Alice in as somebody else."""
    browser = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    browser.get("/login/", secure=True)
    data = {"address": "alice@example.test", "password": PASSWORD}
    for headers in ({"origin": "https://evil.invalid"}, {"origin": "null"}, {"referer": ""}):
        assert browser.post("/login/", data, secure=True, headers=headers).status_code == 403
    assert "__Host-session" not in browser.cookies


def written(asked: CaptureQueriesContext) -> list[str]:
    return [one["sql"] for one in asked if not one["sql"].lstrip().upper().startswith(SAFE)]
