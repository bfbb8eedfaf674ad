"""The three parts without which nothing works, asked so that they raise when they do not answer."""

from contextlib import suppress
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from apps.blobs.backends.contract import MissingObjectError
from apps.blobs.storage import backend

_BROKER_TIMEOUT: Final = 2
_NO_OBJECT: Final = "0" * 32


def database() -> None:
    """Have a statement answered."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def blobs() -> None:
    """Ask for an object that there is not: "no such object" is an answer."""
    try:
        backend().read(_NO_OBJECT, 0, 1)
    except MissingObjectError:
        return


def broker() -> None:
    """Connect, and ask for a queue."""
    app = import_string(settings.CELERY_APP)
    with app.connection_for_write(connect_timeout=_BROKER_TIMEOUT) as broker:
        broker.ensure_connection(max_retries=1, timeout=_BROKER_TIMEOUT)
        # On Redis a queue is there only while something waits in it: "no such queue" is an answer.
        with suppress(*broker.channel_errors):
            broker.default_channel.queue_declare(app.conf.task_default_queue, passive=True)
