"""The second step: codes, recovery codes, time and tries, and what the first step gives away."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from apps.accounts import onetime
from apps.accounts.models import WebSession
from apps.accounts.services import authenticators
from apps.accounts.services.recoverycodes import renew
from apps.accounts.sessions import SessionStore
from apps.directory.history import of_user
from apps.directory.models import Outcome, User
from apps.provisioning import services as provisioning
from apps.runtime import clock
from tests.conftest import PASSWORD
from tests.webmail.browsing import Browser

pytestmark = pytest.mark.django_db

START = 1_800_000_000  # Unix seconds; a step of codes begins


class Telephone:
    """Alice's authenticator app, and the time."""

    def __init__(self, user: User) -> None:
        self.seconds = START
        self.user = user
        self.secret = b""

    def __call__(self) -> int:
        return self.seconds

    @property
    def code(self) -> str:
        """The code that it shows now, never shown before."""
        self.seconds += 60
        return onetime.code_at(self.secret, self.seconds)


@pytest.fixture
def telephone(alice: User, monkeypatch: pytest.MonkeyPatch) -> Telephone:
    app = Telephone(alice)
    monkeypatch.setattr(clock, "now", app)
    app.secret = authenticators.start(user=alice, issuer="mail.example.test").secret
    authenticators.confirm(user=alice, code=app.code)
    alice.refresh_from_db()
    return app


@pytest.fixture
def halfway(telephone: Telephone) -> Browser:
    """A browser whose password was right."""
    browser = Browser()
    response = browser.sign_in("alice@example.test", next="/mail/sent/", kept="on")
    assert response.headers["Location"] == "/login/verify/"
    return browser


def test_a_password_is_half_a_sign_in(halfway: Browser) -> None:
    assert not halfway.is_in
    page = halfway.read("/login/verify/")
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    assert "alice@example.test" in page
    row = WebSession.objects.get()
    assert row.user_id is None
    assert row.expire_date < timezone.now() + timedelta(minutes=16)


def test_the_code_is_the_other_half(halfway: Browser, telephone: Telephone) -> None:
    before = halfway.cookie
    response = halfway.send("/login/verify/", code=telephone.code)
    assert response.headers["Location"] == "/mail/sent/"
    assert halfway.is_in
    assert halfway.cookie != before
    row = WebSession.objects.get()
    assert (row.means, row.is_kept) == ("totp", True)


def test_a_code_may_have_blanks(halfway: Browser, telephone: Telephone) -> None:
    code = telephone.code
    halfway.send("/login/verify/", code=f" {code[:3]} {code[3:]} ")
    assert halfway.is_in


@pytest.mark.parametrize(
    "code", ["000000", "", " ", "x", "0" * 64, "1" * 5_000, "\x00", "١٢٣٤٥٦", "'"]
)
def test_a_wrong_code_is_none(halfway: Browser, code: str) -> None:
    response = halfway.send("/login/verify/", code=code)
    assert response.status_code == 422
    assert not halfway.is_in
    if code.strip() and len(code) > 5:
        assert code not in response.content.decode()


def test_a_code_works_once(halfway: Browser, telephone: Telephone) -> None:
    code = telephone.code
    assert halfway.send("/login/verify/", code=code).status_code == 302
    other = Browser()
    other.sign_in("alice@example.test")
    assert other.send("/login/verify/", code=code).status_code == 422
    assert not other.is_in


def test_five_wrong_codes_and_it_begins_anew(halfway: Browser, telephone: Telephone) -> None:
    for _ in range(4):
        assert halfway.send("/login/verify/", code="000000").status_code == 422
        cache.clear()  # of the throttle, which would ask to wait
    response = halfway.send("/login/verify/", code="000000")
    assert response.headers["Location"] == "/login/"
    assert "too many codes" in halfway.read("/login/")
    assert halfway.send("/login/verify/", code=telephone.code).headers["Location"] == "/login/"
    assert not halfway.is_in
    refused = [row for row in of_user(telephone.user.pk).rows if row.outcome == Outcome.WRONG]
    assert refused


def test_after_five_minutes_it_begins_anew(halfway: Browser, telephone: Telephone) -> None:
    telephone.seconds += 301
    response = halfway.send("/login/verify/", code=telephone.code)
    assert response.headers["Location"] == "/login/"
    assert not halfway.is_in


def set_password(user: User) -> None:
    provisioning.set_password(User.objects.get(pk=user.pk), "another good sentence")


def suspend(user: User) -> None:
    provisioning.suspend_user(user.address)


@pytest.mark.parametrize("what", [set_password, suspend])
def test_a_change_meanwhile_ends_it(
    halfway: Browser, telephone: Telephone, what: Callable[[User], None]
) -> None:
    what(telephone.user)
    response = halfway.send("/login/verify/", code=telephone.code)
    assert response.headers["Location"] == "/login/"
    assert not halfway.is_in


def test_a_recovery_code_stands_in_once(halfway: Browser, telephone: Telephone) -> None:
    code = renew(user=telephone.user)[0]
    telephone.user.refresh_from_db()
    halfway.sign_in("alice@example.test")
    page = halfway.read("/login/verify/?recovery")
    assert "recovery code" in page
    assert "numeric" not in page
    seen = "/login/verify/?recovery"
    wrong = halfway.send("/login/verify/", seen=seen, code="abcd-efgh-jkmn", recovery="1")
    assert "no recovery code of yours" in wrong.content.decode()
    assert halfway.send("/login/verify/", seen=seen, code=code, recovery="1").status_code == 302
    assert halfway.is_in
    assert WebSession.objects.get(user=telephone.user).means == "recovery_code"
    other = Browser()
    other.sign_in("alice@example.test")
    assert other.send("/login/verify/", seen=seen, code=code, recovery="1").status_code == 422


def test_a_trusted_browser_is_not_asked_again(halfway: Browser, telephone: Telephone) -> None:
    halfway.send("/login/verify/", code=telephone.code, trust="on")
    halfway.send("/logout/", seen="/mail/inbox/")
    response = halfway.sign_in("alice@example.test")
    assert response.headers["Location"] == "/mail/"
    assert WebSession.objects.get().means == "trusted_device"
    # Trust is one user's in one browser.
    assert Browser().sign_in("alice@example.test").headers["Location"] == "/login/verify/"
    provisioning.set_password(User.objects.get(pk=telephone.user.pk), "another good sentence")
    halfway.client.cookies.pop("__Host-session")
    response = halfway.sign_in("alice@example.test", "another good sentence")
    assert response.headers["Location"] == "/login/verify/"


def test_somebody_else_may_sign_in_instead(halfway: Browser, bob: User) -> None:
    assert halfway.send("/login/verify/", other="1").headers["Location"] == "/login/"
    assert halfway.get("/login/verify/").headers["Location"] == "/login/"
    halfway.sign_in("bob@example.test")
    assert "bob@example.test" in halfway.read("/mail/inbox/")


@pytest.mark.parametrize("method", ["get", "post"])
def test_without_the_first_step_there_is_no_second(telephone: Telephone, method: str) -> None:
    browser = Browser()
    response: Any = browser.get("/login/verify/")
    if method == "post":
        response = browser.send("/login/verify/", seen="/login/", code=telephone.code)
    assert response.headers["Location"] == "/login/"
    assert not WebSession.objects.exists()


def test_half_a_sign_in_opens_no_other_page(halfway: Browser) -> None:
    for path in ("/settings/security/", "/login/confirm/", "/settings/apps/", "/mail/inbox/"):
        response = halfway.get(path)
        assert response.status_code == 302, path
        assert response.headers["Location"].startswith("/login/"), path


def test_nobody_learns_who_has_a_second_factor(telephone: Telephone, bob: User) -> None:
    answers = set()
    for address in ("alice@example.test", "bob@example.test", "nobody@example.test"):
        response = Browser().sign_in(address, "wrong")
        page = response.content.decode().replace(address, "")
        answers.add((response.status_code, len(page)))
    assert len(answers) == 1


def test_the_pages_hold_no_password(halfway: Browser) -> None:
    row = WebSession.objects.get()
    data = SessionStore().decode(row.session_data)
    assert PASSWORD not in str(data)
    assert PASSWORD not in halfway.read("/login/verify/")
