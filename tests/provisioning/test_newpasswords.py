"""New passwords: who is signed out, who is told, and what is left when it cannot be."""

import json
from io import StringIO

import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from apps.audit.models import AuditRecord
from apps.blobs import services as blobs
from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import newpasswords
from apps.provisioning import services as provisioning
from apps.wire.errors import InvalidName, NotFound
from mailhost.env import Endpoint
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = "a quite new sentence"


def letters() -> list[str]:
    rows = QueuedMessage.objects.filter(door="report").order_by("recipients__id")
    return [blobs.read(row.blob_id).decode() for row in rows]


def opens(user: User, password: str) -> bool:
    return check_password(password, User.objects.get(pk=user.pk).password)


def test_ones_own_is_changed_and_told(alice: User) -> None:
    browser, other = Client(), Client()
    for one in (browser, other):
        one.post("/login/", {"address": alice.address, "password": PASSWORD})
    data = {"current": PASSWORD, "new": NEW, "again": NEW}
    assert browser.post("/settings/password/", data).status_code == 302
    assert opens(alice, NEW)
    assert browser.get("/settings/password/").status_code == 200
    assert other.get("/settings/password/").status_code == 302
    told = letters()[-1]
    assert "Subject: Your password was changed" in told
    assert "127.0.0.1" in told
    assert NEW not in "".join(letters())
    assert NEW not in str(list(AuditRecord.objects.values()))


def test_an_administrators_gift_is_told(alice: User) -> None:
    invented = newpasswords.give(alice, must_change=True)
    assert invented is not None
    assert opens(alice, invented)
    assert alice.must_change_password
    (told,) = letters()
    assert "Subject: Your password was set by an administrator" in told
    assert invented not in told
    assert newpasswords.give(alice, NEW) is None
    assert opens(alice, NEW)


def test_nothing_is_told_of_what_was_not_done(alice: User) -> None:
    with pytest.raises(InvalidName):
        newpasswords.change_own(alice, "")
    with pytest.raises(InvalidName):
        newpasswords.give(alice, "x" * 5_000)
    provisioning.remove_user(alice.address)
    with pytest.raises(NotFound):
        newpasswords.change_own(alice, NEW)
    assert letters() == []


def test_the_command_prints_a_link(alice: User, settings: Settings) -> None:
    settings.WEB_LISTEN = Endpoint("0.0.0.0", 443)
    settings.WEB_TLS = True
    settings.TRUSTED_PROXIES = ()
    settings.MAIL_HOSTNAME = "mail.example.test"
    out = StringIO()
    call_command("user", "passwd", alice.address, "--link", stdout=out)
    link = out.getvalue().strip()
    assert link.startswith("https://mail.example.test/login/reset/")
    assert opens(alice, PASSWORD)
    browser = Client()
    path = link.removeprefix("https://mail.example.test")
    assert browser.post(path, {"new": NEW, "again": NEW}).status_code == 302
    assert opens(alice, NEW)
    assert link.split("/")[5] not in str(list(AuditRecord.objects.values()))

    out = StringIO()
    call_command("user", "passwd", alice.address, "--link", "--json", stdout=out)
    assert json.loads(out.getvalue())["address"] == alice.address


def test_the_command_makes_no_link_that_opens_nothing(alice: User, settings: Settings) -> None:
    settings.WEB_LISTEN = None
    with pytest.raises(CommandError, match="web is off"):
        call_command("user", "passwd", alice.address, "--link")
    settings.WEB_LISTEN = Endpoint("0.0.0.0", 443)
    provisioning.suspend_user(alice.address)
    with pytest.raises(CommandError, match="Nobody may sign in"):
        call_command("user", "passwd", alice.address, "--link")
