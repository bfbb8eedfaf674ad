"""The Celery application: broker, queues, beat schedule. Only `tasks.py` files and the bell know
Celery.

Embedded: `filesystem://` below MAILHOST_DATA. Scaled: Redis. A message on the broker is a bell and
may be lost; the queue rows are the truth (docs/architecture.md section 5).
"""

import logging
import os
import signal
import threading
from typing import Any

from celery import Celery
from celery.signals import (
    beat_embedded_init,
    beat_init,
    setup_logging,
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutting_down,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")

from django.conf import settings

from apps.delivery import stopping
from apps.delivery.outbound import stopping as outbound
from apps.provisioning.health import signs
from apps.runtime import process

# What a worker begins with, so that doors and mail need not wait for a bell: those that rang while
# it was loading are thrown away, and the next sweep is up to five seconds off.
FIRST = {
    "mail": "delivery.process",
    "heavy": "delivery.process_heavy",
    "outbound": "delivery.send",
}
FIRST_LIFE = 60  # seconds, then it is thrown away unread
STOP_SECONDS = 25  # for running tasks to finish after SIGTERM

logger = logging.getLogger(__name__)

app = Celery("mailhost")
_worker = 0  # the worker's main process


def _broker() -> dict[str, object]:
    if settings.REDIS_URL:
        return {
            "broker_url": settings.REDIS_URL,
            "broker_connection_retry_on_startup": True,
            # A Redis that swallows packets must not hold a bell for the kernel's two minutes.
            "broker_transport_options": {"socket_connect_timeout": 2, "socket_timeout": 10},
        }
    folder = settings.CELERY_BROKER_DIR
    for name in ("queue", "processed", "control"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://",
        "broker_transport": "mailhost.broker:Transport",
        "broker_transport_options": {
            "data_folder_in": str(folder / "queue"),
            "data_folder_out": str(folder / "queue"),
            "processed_folder": str(folder / "processed"),
            "control_folder": str(folder / "control"),
            "store_processed": False,
            "polling_interval": 0.05,
        },
    }


app.conf.update(
    **_broker(),
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    task_default_queue="mail",
    # Four queues, each with workers of its own (apps/ops/worker.py): an archive that is opened, or
    # a sweep of the blob store, holds up no delivery, and a thousand slow servers elsewhere hold
    # up none of them.
    task_routes=(
        [
            ("delivery.process", {"queue": "mail"}),
            ("delivery.sweep", {"queue": "mail"}),
            ("delivery.process_heavy", {"queue": "heavy"}),
            ("delivery.send", {"queue": "outbound"}),
            ("*", {"queue": "housekeeping"}),
        ],
    ),
    timezone="UTC",
    beat_schedule={
        "sweep": {"task": "delivery.sweep", "schedule": 5.0},
        "end-overdue": {"task": "delivery.overdue", "schedule": 60.0},
        "end-set-aside": {
            "task": "delivery.end_set_aside",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "housekeeping": {"task": "mailqueue.prune", "schedule": 300.0},
        "collect-blobs": {"task": "blobs.collect", "schedule": 3600.0},
        "purge-mail": {"task": "mailstore.purge", "schedule": 3600.0},
        "find-threads": {"task": "mailstore.threads", "schedule": 60.0},
        "purge-users": {"task": "provisioning.purge_removed", "schedule": 3600.0},
        "answer-wishes": {"task": "provisioning.answer_wishes", "schedule": 60.0},
        "prune-send-counts": {"task": "provisioning.prune_send_counts", "schedule": 3600.0},
        "tell-full": {"task": "provisioning.tell_full", "schedule": 300.0},
        "tell-dns": {"task": "provisioning.tell_dns", "schedule": 60.0},
        "refresh-tls-policies": {"task": "remote.refresh_policies", "schedule": 3600.0},
        "report-tls": {"task": "delivery.tls_reports", "schedule": 3600.0},
        "report-dmarc": {"task": "delivery.dmarc_reports", "schedule": 900.0},
        "read-reports": {"task": "reports.read", "schedule": 60.0},
        "prune-reports": {"task": "reports.prune", "schedule": 3600.0},
        "turn-dkim-keys": {"task": "directory.turn_dkim_keys", "schedule": 600.0},
        # Somebody may look at a domain's page, and wait.
        "check-dns": {"task": "dnscheck.check_due", "schedule": 5.0, "options": {"expires": 5.0}},
        "prune-sign-ins": {"task": "directory.prune_history", "schedule": 3600.0},
        "prune-oauth": {"task": "directory.prune_oauth", "schedule": 3600.0},
        "learn": {"task": "scan.learn", "schedule": 60.0},
        # Those that wait behind a long run say nothing new.
        "index": {"task": "search.index", "schedule": 5.0, "options": {"expires": 5.0}},
        "prune-scan": {"task": "scan.prune", "schedule": 3600.0},
        "index-traces": {
            "task": "delivery.index_traces",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "send-digests": {"task": "delivery.digests", "schedule": 900.0},
        "prune-reception": {"task": "reception.prune", "schedule": 3600.0},
        "prune-sieve": {"task": "sieve.prune", "schedule": 3600.0},
        "prune-audit": {"task": "audit.prune", "schedule": 86_400.0},
        # Those that wait behind a long run say nothing new.
        "roll-flow": {"task": "trace.roll", "schedule": 60.0, "options": {"expires": 60.0}},
        "prune-traces": {"task": "trace.prune", "schedule": 3600.0},
        "settle-scheduled": {
            "task": "webmail.scheduled",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "wake-snoozed": {"task": "webmail.wake_snoozed", "schedule": 20.0},
        "prune-drafts": {"task": "webmail.prune_drafts", "schedule": 3600.0},
        "clear-sessions": {"task": "webmail.clear_sessions", "schedule": 3600.0},
        # Those that wait behind a long run say nothing new.
        "gather-events": {
            "task": "webhooks.gather",
            "schedule": 5.0,
            "options": {"expires": 5.0},
        },
        "prune-events": {"task": "webhooks.prune", "schedule": 3600.0},
        "prune-api": {"task": "api.prune", "schedule": 3600.0},
        "prune-console": {"task": "console.prune", "schedule": 3600.0},
        "run-imports": {
            "task": "console.run_imports",
            "schedule": 10.0,
            "options": {"expires": 10.0},
        },
    },
    beat_schedule_filename=str(settings.MAILHOST_DATA / "beat-schedule"),
)
app.autodiscover_tasks()


@setup_logging.connect(weak=False)
def _leave_logging_alone(**_: object) -> None:
    """Django's LOGGING is in place; with a receiver here, Celery does not set up its own."""


@worker_init.connect(weak=False)
def _note_worker(**_: object) -> None:
    """Before it forks: a child that asks for its parent may already have lost it."""
    global _worker
    _worker = os.getpid()
    stopping.share()


@worker_process_init.connect(weak=False)
def _end_with_worker(**_: object) -> None:
    if os.getpid() == _worker:
        return  # a worker without a pool: it works itself, and its supervisor ends it
    process.name_process("mh-worker-pool")
    process.watch_parent(_worker)


@beat_embedded_init.connect(weak=False)
def _end_beat_with_worker(**_: object) -> None:
    process.name_process("mh-beat")
    process.die_with_parent(_worker, signal.SIGKILL)
    signs.keep(["beat"])


@beat_init.connect(weak=False)
def _show_beat(**_: object) -> None:
    """The beat that runs alone, for workers elsewhere."""
    signs.keep(["beat"])


@worker_ready.connect(weak=False)
def _begin(sender: Any, **_: object) -> None:
    """Send the first task of each queue that this worker works on. A broker that is away costs what
    a lost bell costs."""
    signs.keep(sender.app.amqp.queues.consume_from)
    for queue in FIRST.keys() & sender.app.amqp.queues.consume_from.keys():
        try:
            app.send_task(FIRST[queue], expires=FIRST_LIFE, retry=False, ignore_result=True)
        except Exception as error:  # noqa: BLE001 - the sweep finds what is due
            logger.warning("a worker could not begin by itself", extra={"detail": repr(error)})


@worker_shutting_down.connect(weak=False)
def _bound_the_stop(**_: object) -> None:
    """A task that never ends must not keep the worker: leases and the sweep bring its work back."""
    stopping.stop()
    outbound.stop()
    timer = threading.Timer(STOP_SECONDS, os._exit, (1,))
    timer.daemon = True
    timer.start()
