"""Django's view of the one sign-in: sessions of the web."""

from collections.abc import Callable

import pytest
from django.contrib.auth import authenticate, get_user, login
from django.http import HttpRequest
from django.test import RequestFactory

from apps.accounts.sessions import SessionStore
from apps.directory.models import User
from apps.provisioning import services as provisioning
from apps.wire.errors import AccountSuspended, Throttled

PASSWORD = "correct horse battery"


@pytest.fixture
def request_() -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1")
    request.session = SessionStore()
    return request


def sign_in(request: HttpRequest, password: str = PASSWORD, **more: str) -> User | None:
    user = authenticate(request, username="alice@example.test", password=password, **more)
    assert user is None or isinstance(user, User)
    return user


def test_it_signs_in(alice: User, request_: HttpRequest) -> None:
    assert sign_in(request_) == alice
    assert sign_in(request_, "wrong") is None
    assert authenticate(request_, username=None, password=None) is None


def test_it_takes_the_address_that_the_door_knows(alice: User, request_: HttpRequest) -> None:
    for number in range(11):
        sign_in(request_, f"wrong {number}", address="203.0.113.1")
    with pytest.raises(Throttled):
        sign_in(request_, "wrong", address="203.0.113.1")

    assert sign_in(request_, "wrong", address="203.0.113.2") is None


def test_it_tells_the_owner_of_a_suspended_account(alice: User, request_: HttpRequest) -> None:
    provisioning.suspend_user("alice@example.test")

    with pytest.raises(AccountSuspended):
        sign_in(request_)
    assert sign_in(request_, "wrong") is None


def set_password(user: User) -> None:
    provisioning.set_password(User.objects.get(pk=user.pk), "another horse")


def suspend_user(user: User) -> None:
    provisioning.suspend_user(user.address)


def suspend_domain(user: User) -> None:
    provisioning.suspend_domain("example.test")


def remove(user: User) -> None:
    provisioning.remove_user(user.address)


@pytest.mark.parametrize("what", [set_password, suspend_user, suspend_domain, remove])
def test_it_ends_sessions(alice: User, request_: HttpRequest, what: Callable[[User], None]) -> None:
    login(request_, alice)
    assert get_user(request_) == alice

    what(alice)

    assert get_user(request_).is_anonymous


def test_it_ends_a_session_even_if_suspension_was_short(alice: User, request_: HttpRequest) -> None:
    login(request_, alice)
    provisioning.suspend_user("alice@example.test")
    provisioning.resume_user("alice@example.test")

    assert get_user(request_).is_anonymous
