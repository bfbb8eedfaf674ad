"""The page of the service's health."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from apps.directory.models import Domain, Role, User
from apps.provisioning.health import report
from apps.provisioning.health.checks import Check, State
from mailhost.env import Endpoint
from tests.console.conftest import browser, holder
from tests.support.services import free_port

HOSTILE = "<script>alert(1)</script> {{7*7}} %s"


@pytest.fixture(autouse=True)
def _ask_anew() -> Iterator[None]:
    report.forget()
    yield
    report.forget()


def test_operators_see_every_part(operator: User, settings: Settings) -> None:
    settings.IMAP_LISTEN = Endpoint("127.0.0.1", free_port())  # whatever else runs on this machine

    answer = browser(operator).get("/admin/health/")

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Something is broken." in page  # no doors are open here
    assert 'id="door.imap"' in page
    assert "Nobody listens at" in page
    assert "empty IMAP_LISTEN if you do not want this door" in page
    assert "no-store" in answer["Cache-Control"]


def test_for_its_script_there_is_the_part_alone(operator: User) -> None:
    answer = browser(operator).get("/admin/health/", headers={"HX-Request": "true"})

    assert answer.content.startswith(b'<div class="stack" data-fresh="15"')
    assert b"<html" not in answer.content


def test_nobody_else_does(admin: User, helpdesk: User, domain: Domain) -> None:
    reseller = holder("seller@example.test", Role.RESELLER, domain.organization)

    for user in (admin, helpdesk, reseller):
        client = browser(user)
        assert client.get("/admin/health/").status_code == 404
        assert b"/admin/health/" not in client.get("/admin/").content


def test_what_others_say_is_never_read_as_anything_else(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Check("scanner.clamd", "clamd", State.BAD, HOSTILE, HOSTILE)
    groups = {"Filtering": (("Other scanners", lambda: [check], False),)}
    monkeypatch.setattr(report, "_asker", report._Asker(groups))

    page = browser(operator).get("/admin/health/").content.decode()

    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}} %s") == 2
