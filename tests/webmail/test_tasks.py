"""Housekeeping: sessions that have ended go."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from apps.accounts.models import WebSession
from apps.directory.models import User
from apps.webmail.tasks import clear_sessions
from mailhost.celery import app


@pytest.mark.django_db
def test_it_removes_sessions_that_have_ended(alice: User, client: Client) -> None:
    client.force_login(alice)
    clear_sessions()
    assert WebSession.objects.count() == 1
    with time_machine.travel(timedelta(hours=settings.SESSION_HOURS, seconds=5), tick=True):
        clear_sessions()
    assert not WebSession.objects.exists()


def test_it_is_on_the_beat() -> None:
    assert clear_sessions.name in {entry["task"] for entry in app.conf.beat_schedule.values()}
