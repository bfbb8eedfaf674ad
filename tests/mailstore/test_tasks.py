"""Housekeeping by the clock: each task is known to Celery and does its service's work."""

import pytest
import time_machine

from apps.blobs.models import Blob
from apps.blobs.tasks import collect
from apps.mailstore.models import FLAG_DELETED, Change, Expunged, Mailbox
from apps.mailstore.services.expunge import expunge
from apps.mailstore.tasks import forget
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.trace.models import TraceEvent
from apps.trace.services import Event, record
from apps.trace.tasks import prune
from mailhost.celery import app
from tests.mailstore.making import ORIGIN, filled

pytestmark = pytest.mark.django_db


def test_it_is_called_by_names_that_exist() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert {"blobs.collect", "mailstore.purge", "trace.prune"} <= scheduled <= set(app.tasks)


def test_it_forgets_everything_in_the_end(inbox: Mailbox) -> None:
    filled(inbox, 2, flags=FLAG_DELETED)
    record([Event(new_ulid(), "x")])
    expunge(mailbox_id=inbox.pk, origin=ORIGIN)
    for task in (forget, collect, prune):
        task()
    assert (Expunged.objects.count(), Blob.objects.count()) == (2, 2)
    assert (Change.objects.count(), TraceEvent.objects.count()) == (2, 1)
    with time_machine.travel(now() + 100 * 86_400):
        for task in (forget, collect, prune):
            task()
    for model in (Expunged, Blob, Change, TraceEvent):
        assert not model.objects.exists()
