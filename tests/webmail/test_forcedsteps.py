"""What somebody has to do first: another password, a second factor. Nothing else is open then."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.directory.models import Demand, Domain, RoleGrant, User
from apps.provisioning import services as provisioning
from tests.conftest import PASSWORD
from tests.webmail.browsing import Browser

pytestmark = pytest.mark.django_db

NEW = "another good sentence"


@pytest.fixture
def invited(alice: User) -> Browser:
    """Alice, whose password was set by somebody else."""
    provisioning.set_password(alice, PASSWORD, must_change=True)
    browser = Browser()
    browser.sign_in("alice@example.test", next="/mail/sent/")
    return browser


def demand(domain: Domain, who: Demand, days: int | None = None) -> None:
    due_at = None if days is None else timezone.now() + timedelta(days=days)
    Domain.objects.filter(pk=domain.pk).update(factor_demand=who, factor_due_at=due_at)


@pytest.mark.parametrize(
    "path", ["/", "/mail/", "/mail/inbox/", "/settings/apps/", "/settings/security/", "/settings/"]
)
def test_a_password_set_by_another_is_changed_first(invited: Browser, path: str) -> None:
    assert invited.get(path).headers["Location"] == "/settings/password/"


def test_and_then_all_is_open(invited: Browser) -> None:
    assert invited.get("/settings/password/").status_code == 200
    response = invited.send("/settings/password/", current=PASSWORD, new=NEW, again=NEW)
    assert response.status_code == 302
    assert invited.is_in


def test_the_same_password_is_no_change(invited: Browser) -> None:
    response = invited.send("/settings/password/", current=PASSWORD, new=PASSWORD, again=PASSWORD)
    assert response.status_code == 422
    assert not invited.is_in


def test_one_may_always_leave(invited: Browser) -> None:
    assert invited.send("/logout/", seen="/settings/password/").headers["Location"] == "/login/"
    assert invited.get("/healthz").status_code == 200


def test_a_script_is_told_why(invited: Browser) -> None:
    response = invited.get("/mail/inbox/", Accept="application/json")
    assert response.status_code == 403
    assert response.json() == {"error": "Choose another password first"}


def test_a_form_does_nothing_meanwhile(invited: Browser) -> None:
    response = invited.send("/mail/inbox/1/delete/", seen="/settings/password/")
    assert response.headers["Location"] == "/settings/password/"


@pytest.mark.parametrize("door", ["begin", "complete"])
def test_nobody_makes_a_passkey_with_the_password_of_another(invited: Browser, door: str) -> None:
    """Who made the temporary password would keep a way in when it is changed."""
    invited.read("/settings/password/")
    response = invited.client.post(
        f"/settings/security/passkeys/{door}/",
        "{}",
        content_type="application/json",
        secure=True,
        headers={
            "origin": "https://localhost",
            "x-csrftoken": invited.client.cookies["__Host-csrf"].value,
        },
    )
    assert response.status_code == 403
    assert response.json() == {"error": "Choose another password first"}


def by_domain(domain: Domain, settings: Settings) -> None:
    demand(domain, Demand.EVERYBODY)


def by_domain_since(domain: Domain, settings: Settings) -> None:
    demand(domain, Demand.EVERYBODY, -1)


def by_installation(domain: Domain, settings: Settings) -> None:
    settings.SECOND_FACTOR = "everybody"


@pytest.mark.parametrize("how", [by_domain, by_domain_since, by_installation])
def test_who_has_to_have_a_factor_sets_it_up_first(
    alice: User, domain: Domain, settings: Settings, how: Callable[[Domain, Settings], None]
) -> None:
    how(domain, settings)
    browser = Browser()
    browser.sign_in("alice@example.test")
    for path in ("/", "/mail/inbox/", "/settings/apps/", "/settings/recovery/"):
        assert browser.get(path).headers["Location"] == "/settings/security/", path
    assert browser.get("/settings/security/").status_code == 200
    assert browser.get("/settings/security/authenticator/").status_code == 200
    assert browser.send("/logout/", seen="/settings/security/").headers["Location"] == "/login/"


def test_before_that_day_there_is_a_reminder(alice: User, domain: Domain) -> None:
    demand(domain, Demand.EVERYBODY, 9)
    browser = Browser()
    browser.sign_in("alice@example.test")
    page = browser.read("/mail/inbox/")
    day = timezone.now() + timedelta(days=9)
    assert "you need a second step" in page
    assert f"{day.day} {day:%B %Y}" in page


def test_who_has_one_is_not_reminded(alice: User, domain: Domain) -> None:
    demand(domain, Demand.EVERYBODY, 9)
    browser = Browser()
    browser.sign_in("alice@example.test")
    User.objects.filter(pk=alice.pk).update(has_factor=True)
    assert "you need a second step" not in browser.read("/mail/inbox/")


def test_a_demand_of_administrators_is_theirs_alone(alice: User, bob: User, domain: Domain) -> None:
    demand(domain, Demand.ADMINISTRATORS)
    provisioning.make_domain_admin(alice)
    assert RoleGrant.objects.filter(user=alice).exists()
    hers, his = Browser(), Browser()
    hers.sign_in("alice@example.test")
    his.sign_in("bob@example.test")
    assert hers.get("/mail/inbox/").headers["Location"] == "/settings/security/"
    assert his.is_in


def test_the_password_comes_first(invited: Browser, domain: Domain) -> None:
    demand(domain, Demand.EVERYBODY)
    assert invited.get("/mail/").headers["Location"] == "/settings/password/"
    invited.send("/settings/password/", current=PASSWORD, new=NEW, again=NEW)
    assert invited.get("/mail/").headers["Location"] == "/settings/security/"
