"""The setup link: once, for a day, and only while nobody runs the installation."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.directory.models import OneTimeLink
from apps.directory.services import links
from apps.provisioning import services as provisioning
from apps.wire.errors import NotFound

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.django_db


def make() -> str:
    token = links.make_setup()
    assert token is not None
    return token


def test_it_keeps_only_a_digest() -> None:
    token = make()
    link = OneTimeLink.objects.get()

    assert len(token) == 43  # 32 octets
    assert len(link.digest) == 32
    assert token.encode() not in bytes(link.digest)


def test_it_works_once() -> None:
    token = make()
    assert links.setup_works(token)
    links.take_setup(token)

    assert not links.setup_works(token)
    with pytest.raises(NotFound):
        links.take_setup(token)


def test_it_ends_the_link_that_was_made_before() -> None:
    first, second = make(), make()

    assert not links.setup_works(first)
    assert links.setup_works(second)
    assert OneTimeLink.objects.count() == 1


def test_it_ends_after_a_day() -> None:
    token = make()
    with time_machine.travel(timezone.now() + timedelta(hours=23, minutes=59)):
        assert links.setup_works(token)
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        assert not links.setup_works(token)
        with pytest.raises(NotFound):
            links.take_setup(token)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 100_000, "\ud800", "\0"])
def test_it_takes_no_other_token(token: str) -> None:
    make()

    assert not links.setup_works(token)
    with pytest.raises(NotFound):
        links.take_setup(token)


def test_it_does_nothing_once_there_is_an_operator() -> None:
    token = make()
    provisioning.create_operator("root@elsewhere.test", PASSWORD)

    assert links.make_setup() is None
    assert not links.setup_works(token)
    with pytest.raises(NotFound):
        links.take_setup(token)
