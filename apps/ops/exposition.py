"""Figures and health in the text form that Prometheus reads.

Names and labels are those of `docs/operations.md`: programs and alerts of others rest on them. No
label has an address, a domain or any other word of a stranger, so there are never more series.
"""

import shutil
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from django.conf import settings
from django.db import Error
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from apps.provisioning.figures import Figures, Queue, figures
from apps.provisioning.health import certificate, report
from apps.provisioning.health.checks import Check, State
from apps.trace.flow import BOUNDS, MICROSECONDS, Standing

# What became of messages, as labels.
OUTCOMES: Final = (
    *("delivered", "handed", "junk", "quarantined", "refused", "put_off"),
    *("deferred", "bounced", "viruses"),
)
STATES: Final = {State.OK: 0, State.OFF: 0, State.UNKNOWN: 1, State.WARNING: 1, State.BAD: 2}


def exposition() -> bytes:
    """All of it, now; without the figures if the database does not answer."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now())
    found: bytes = generate_latest(registry)
    return found


class _Now(Collector):
    """Reads everything when it is asked."""

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "mailhost", "This installation.", value={"version": settings.VERSION}
        )
        try:
            found = figures()
        except Error:
            found = None
        yield _gauge("database_up", "Whether the database answers.", found is not None)
        if found is not None:
            yield from _mail(found.mail)
            yield from _queue(found.queue)
            yield from _kept(found)
        yield from _machine()
        yield _checks(report.report().checks)


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"mailhost_{name}", words, value=float(value))


def _labelled(name: str, words: str, label: str, rows: Iterable[tuple[str, float]]) -> Metric:
    found = GaugeMetricFamily(f"mailhost_{name}", words, labels=[label])
    for key, value in rows:
        found.add_metric([key], float(value))
    return found


def _mail(mail: Standing) -> Iterator[Metric]:
    total = mail.total
    for name, words, value in (
        ("received", "Messages that were taken, from elsewhere or from users for users.",
         total.received),
        ("sent", "Messages of users that go elsewhere.", total.sent),
    ):  # fmt: skip
        yield CounterMetricFamily(f"mailhost_messages_{name}", words, value=float(value))
    outcomes = CounterMetricFamily(
        "mailhost_message_outcomes",
        "What became of messages; one that becomes something else later counts for both.",
        labels=["outcome"],
    )
    for name in OUTCOMES:
        outcomes.add_metric([name], float(getattr(total, name)))
    yield outcomes
    yield CounterMetricFamily(
        "mailhost_message_bytes", "Size of the messages that were taken.", value=float(total.octets)
    )
    ends = [*(str(bound) for bound in BOUNDS), "+Inf"]
    times = [float(number) for number in accumulate(total.times)]
    yield HistogramMetricFamily(
        "mailhost_time_to_inbox_seconds",
        "From the first line of the dialogue until the last mailbox here had the message.",
        buckets=list(zip(ends, times, strict=True)),
        sum_value=total.took / MICROSECONDS,
    )
    yield _gauge(
        "flow_counted_timestamp_seconds",
        "Messages until then are in these figures; 0: none yet.",
        mail.until_us / MICROSECONDS,
    )
    yield _gauge("trace_unread_events", "Events that the index of messages lacks, at most.",
                 mail.unread)  # fmt: skip
    yield _gauge(
        "trace_unread_timestamp_seconds",
        "When the first of them was recorded; 0: there is none.",
        (mail.unread_since_us or 0) / MICROSECONDS,
    )


def _queue(queue: Queue) -> Iterator[Metric]:
    yield _labelled("queue_messages", "Messages in the queue.", "state", queue.messages.items())
    yield _gauge("queue_waiting_recipients", "Recipients elsewhere that wait for another try.",
                 queue.waiting)  # fmt: skip
    yield _gauge("queue_oldest_seconds", "For how long the oldest of them has waited.",
                 queue.oldest)  # fmt: skip
    yield _gauge("queue_closed_destinations", "Destinations that are not tried for a while.",
                 queue.closed)  # fmt: skip


def _kept(found: Figures) -> Iterator[Metric]:
    kept = found.quarantine.items()
    yield _labelled("quarantine_messages", "Copies in quarantine.", "reason", kept)
    for name, words, all_, asleep in (
        ("users", "Mailboxes of people, groups of them and things.", found.users,
         found.users_asleep),
        ("domains", "Domains.", found.domains, found.domains_asleep),
    ):  # fmt: skip
        yield _gauge(name, words, all_)
        yield _gauge(f"{name}_asleep", f"{name.capitalize()}: locked or suspended.", asleep)
    yield _gauge("mailbox_messages", "Messages in mailboxes.", found.messages)
    yield _gauge("mailbox_bytes", "What they take, by quotas' reckoning.", found.used)


def _machine() -> Iterator[Metric]:
    try:
        room = shutil.disk_usage(settings.MAILHOST_DATA)
    except OSError:
        room = None
    if room is not None:
        yield _gauge("disk_free_bytes", "Room where MAILHOST_DATA is.", room.free)
        yield _gauge("disk_bytes", "All room there.", room.total)
    ends = certificate.ends_at()
    if ends is not None:
        yield _gauge("certificate_end_timestamp_seconds", "When the doors' certificate ends.", ends)


def _checks(checks: Iterable[Check]) -> Metric:
    """Of checks with the same key, the worst."""
    worst: dict[str, int] = {}
    for check in checks:
        worst[check.key] = max(STATES[check.state], worst.get(check.key, 0))
    words = "Checks of the page Health: 0 works or is not used, 1 look at it, 2 broken."
    return _labelled("check", words, "check", sorted(worst.items()))
