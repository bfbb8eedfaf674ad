"""An administrator looks as a user: off by default, seen by the user, narrow, and soon over."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import get_resolver
from pytest_django import Settings

from apps.accounts.models import WebSession
from apps.accounts.sessions import SessionStore
from apps.audit.models import AuditRecord
from apps.delivery.accept import accept
from apps.directory.history import of_user
from apps.directory.models import Means, RoleGrant, User
from apps.mailqueue.models import QueuedMessage
from apps.mailstore.models import Change
from apps.provisioning import acting
from apps.provisioning import services as provisioning
from apps.webmail.acting import OPEN
from apps.wire.errors import InUse, MailError, NotPermitted
from tests.support.mail import RAW, drain, local, submission
from tests.webmail.browsing import Browser
from tests.webmail.test_mail import HTML

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _on(settings: Settings) -> None:
    settings.ACT_AS_USER = True


@pytest.fixture
def admin(bob: User) -> User:
    """Bob administers example.test, where Alice lives."""
    provisioning.make_domain_admin(bob)
    return bob


def begin(administrator: User, user: User, reason: str = "She asked me to") -> Browser:
    """What the console's door does, as far as it is not the console's."""
    request: HttpRequest = RequestFactory().post("/", REMOTE_ADDR="192.0.2.8")
    store = SessionStore()
    store.address, store.client = "192.0.2.8", "Firefox/140"
    request.session, request.user = store, administrator
    acting.begin(request, administrator, user, reason=reason)
    store.save()
    browser = Browser("192.0.2.8")
    assert store.session_key is not None
    browser.plant(store.session_key)
    return browser


@pytest.fixture
def looking(admin: User, alice: User) -> Browser:
    return begin(admin, alice)


def test_it_is_off_unless_it_is_switched_on(admin: User, alice: User, settings: Settings) -> None:
    settings.ACT_AS_USER = False
    assert not acting.may_begin(admin, alice)
    with pytest.raises(NotPermitted):
        begin(admin, alice)
    assert not WebSession.objects.exists()


def test_it_shows_the_mail_and_who_looks(looking: Browser) -> None:
    page = looking.read("/mail/inbox/")
    assert "You see the mail of" in page
    assert "alice@example.test" in page
    assert "bob@example.test" in page
    assert "Stop" in page


def test_the_user_is_told_in_three_ways(looking: Browser, alice: User, admin: User) -> None:
    (row,) = [row for row in of_user(alice.pk).rows if row.means == Means.ACTING]
    assert row.via == "bob@example.test"
    hers = Browser()
    hers.sign_in("alice@example.test")
    page = hers.read("/settings/security/")
    assert "Your administrator" in page
    assert "bob@example.test" in page
    assert QueuedMessage.objects.count() == 1


def test_it_is_recorded(looking: Browser, alice: User, admin: User) -> None:
    record = AuditRecord.objects.get(action="user.act_as")
    assert (record.user_id, record.detail) == (alice.pk, {"reason": "She asked me to"})
    looking.send("/acting/stop/", seen="/mail/inbox/")
    record = AuditRecord.objects.get(action="user.act_as_end")
    assert (record.actor_id, record.acting_for) == (admin.pk, "alice@example.test")


def test_what_is_read_and_changed_is_recorded_as_the_administrators(
    looking: Browser, alice: User, admin: User
) -> None:
    accept([submission(local(alice), RAW)])
    drain()
    Change.objects.all().delete()

    for path in ("/mail/inbox/1/", "/mail/inbox/1/source/", "/mail/inbox/1/body/"):
        looking.get(path)
    looking.send("/mail/inbox/1/star/", seen="/mail/inbox/")

    rows = AuditRecord.objects.filter(action="user.act_as_mail").order_by("pk")
    assert [row.detail for row in rows] == [
        {"what": "message", "folder": "inbox", "uid": 1},
        {"what": "source", "folder": "inbox", "uid": 1},
        {"what": "body", "folder": "inbox", "uid": 1},
        {"what": "star", "folder": "inbox", "uid": 1},
    ]
    for row in rows:
        assert (row.actor_id, row.acting_for, row.user_id) == (admin.pk, alice.address, alice.pk)
    # The journal of the mailbox, too, says who it was.
    assert set(Change.objects.values_list("user_id", flat=True)) == {admin.pk}


def test_all_of_a_conversation_that_is_open_is_recorded(looking: Browser, alice: User) -> None:
    for number in range(3):
        raw = RAW.replace(b"<q3", b"<%d" % number)
        accept([submission(local(alice), b"In-Reply-To: <0@outside.invalid>\r\n" + raw)])
        drain()
    page = looking.read("/mail/inbox/2/")  # the first is the letter about the looking itself
    assert page.count("The figures are attached.") > 1
    details = AuditRecord.objects.filter(action="user.act_as_mail").values_list("detail", flat=True)
    seen = {str(one.get("uid") or one.get("uids")) for one in details}
    assert seen == {"2", "3:4"}


def test_html_is_shown_and_what_is_folded_opens(looking: Browser, alice: User) -> None:
    accept([submission(local(alice), HTML)])
    drain()
    page = looking.read("/mail/inbox/2/")
    (frame,) = re.findall(r'src="(/mail/inbox/2/body/[0-9]+/)', page)
    for path in (frame, "/mail/inbox/2/one/"):
        assert looking.get(path).status_code == 200
    whats = AuditRecord.objects.filter(action="user.act_as_mail").values_list("detail", flat=True)
    assert [one["what"] for one in whats] == ["message", "body-part", "message-one"]


def test_ones_own_reading_is_nobodys_business(alice: User) -> None:
    accept([submission(local(alice), RAW)])
    drain()
    hers = Browser()
    hers.sign_in("alice@example.test")
    assert hers.get("/mail/inbox/1/").status_code == 200
    assert not AuditRecord.objects.filter(action="user.act_as_mail").exists()


def test_it_stops(looking: Browser) -> None:
    assert looking.get("/acting/stop/").status_code == 405
    response = looking.send("/acting/stop/", seen="/mail/inbox/")
    assert response.headers["Location"] == "/login/"
    assert "You have stopped" in looking.read("/login/")
    assert not looking.is_in
    assert not WebSession.objects.exists()


CLOSED = [
    *("/settings/security/", "/settings/security/authenticator/", "/settings/security/codes/"),
    *("/settings/security/passkeys/new/", "/settings/password/", "/settings/apps/"),
    *("/settings/apps/new/", "/settings/recovery/", "/login/confirm/", "/login/verify/"),
]


@pytest.mark.parametrize("path", CLOSED)
def test_what_is_the_users_alone_is_closed(looking: Browser, path: str) -> None:
    response = looking.get(path)
    assert response.status_code == 403
    assert "While you look as another user" in response.content.decode()
    assert looking.send(path, seen="/mail/inbox/").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/settings/security/sessions/end/",
        "/settings/security/passkeys/begin/",
        "/login/passkey/begin/",
        "/settings/security/trusted/",
    ],
)
def test_so_are_the_doors_behind_them(looking: Browser, path: str) -> None:
    assert looking.send(path, seen="/mail/inbox/", others="1").status_code == 403
    assert WebSession.objects.count() == 1


def test_a_script_is_told_by_a_status(looking: Browser) -> None:
    response = looking.get("/settings/security/", Accept="application/json")
    assert (response.status_code, "closed" in response.json()["error"]) == (403, True)


def test_what_is_open_exists() -> None:
    assert {name for name in get_resolver().reverse_dict if isinstance(name, str)} >= OPEN


def test_the_history_may_be_read(looking: Browser) -> None:
    assert looking.get("/settings/activity/").status_code == 200
    assert looking.get("/settings/").headers["Location"] == "/settings/activity/"


def test_a_password_that_must_be_changed_is_the_users_to_change(admin: User, alice: User) -> None:
    provisioning.set_password(alice, must_change=True)
    assert begin(admin, alice).is_in


def lose_the_role(admin: User) -> None:
    RoleGrant.objects.filter(user=admin).delete()


def change_the_password(admin: User) -> None:
    provisioning.set_password(User.objects.get(pk=admin.pk), "another good sentence")


def be_suspended(admin: User) -> None:
    provisioning.suspend_user(admin.address)


def be_removed(admin: User) -> None:
    provisioning.remove_user(admin.address)


@pytest.mark.parametrize("what", [lose_the_role, change_the_password, be_suspended, be_removed])
def test_it_ends_with_the_administrators_powers(
    looking: Browser, admin: User, what: Callable[[User], None]
) -> None:
    assert looking.is_in
    what(admin)
    assert not looking.is_in
    assert not WebSession.objects.exists()


def test_it_ends_when_it_is_switched_off(looking: Browser, settings: Settings) -> None:
    settings.ACT_AS_USER = False
    assert not looking.is_in


def test_it_ends_when_the_user_gets_more_powers(looking: Browser, alice: User) -> None:
    RoleGrant.objects.create(user=alice, role="operator")
    assert not looking.is_in


def test_it_ends_with_the_users_password(looking: Browser, alice: User) -> None:
    provisioning.set_password(alice, "another good sentence")
    assert not looking.is_in


def test_it_ends_after_an_hour(looking: Browser) -> None:
    with time_machine.travel(timedelta(minutes=61), tick=True):
        assert not looking.is_in
        assert "its session has ended" in looking.read("/mail/inbox/")


def test_the_user_can_end_it(looking: Browser, alice: User) -> None:
    hers = Browser()
    hers.sign_in("alice@example.test")
    row = WebSession.objects.get(means=Means.ACTING)
    hers.send("/settings/security/sessions/end/", seen="/settings/security/", session=row.pk)
    assert not looking.is_in


def test_it_has_limits(admin: User, alice: User, eve: User, domain: Any) -> None:
    operator = provisioning.create_operator("root@elsewhere.invalid", "a good sentence")[0]
    for target in (eve, operator, admin):
        with pytest.raises(NotPermitted):
            begin(admin, target)
    with pytest.raises(NotPermitted):
        begin(alice, admin)
    provisioning.suspend_user("alice@example.test")
    with pytest.raises(InUse):
        begin(admin, User.objects.select_related("domain").get(pk=alice.pk))
    assert not WebSession.objects.exists()
    assert begin(operator, eve).is_in


def test_nobody_looks_as_a_shared_box(admin: User, domain: Any) -> None:
    box = User.objects.get(key="postmaster@example.test")
    with pytest.raises(MailError):
        begin(admin, box)


def test_the_administrators_own_session_is_gone(admin: User, alice: User) -> None:
    own = Browser("192.0.2.8")
    own.sign_in("bob@example.test")
    key = own.cookie
    request: HttpRequest = RequestFactory().post("/")
    request.session, request.user = SessionStore(key), admin
    acting.begin(request, admin, alice)
    request.session.save()
    assert WebSession.objects.count() == 1
    assert not own.is_in
