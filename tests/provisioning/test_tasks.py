"""The worker's housekeeping."""

from datetime import timedelta

import time_machine
from django.utils import timezone

from apps.directory.models import Forward, User
from apps.directory.services import forwards
from apps.provisioning import services
from apps.provisioning.tasks import purge_removed
from mailhost.celery import app


def test_it_lets_removed_users_go(alice: User, bob: User) -> None:
    services.remove_user("alice@example.test")
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        purge_removed()

    assert not alice.mailboxes.filter(deleted_at=None).exists()
    assert bob.mailboxes.filter(deleted_at=None).count() == 6


def test_it_forgets_forwards_that_nobody_agreed_to(alice: User) -> None:
    forwards.ask(user=alice, target="out@elsewhere.test", keeps_copy=True)
    forwards.add(user=alice, target="yes@elsewhere.test", keeps_copy=True)
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        purge_removed()

    assert [row.address for row in Forward.objects.all()] == ["yes@elsewhere.test"]


def test_it_is_on_the_schedule() -> None:
    names = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert purge_removed.name in names
