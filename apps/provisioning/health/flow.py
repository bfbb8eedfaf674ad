"""Whether mail moves: workers, their sweeps, and how long something waits in the queue."""

from typing import Final

from django.db.models import Min

from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.provisioning.health import signs
from apps.provisioning.health.checks import Check, State, age, many
from apps.runtime.clock import now_us

BEAT: Final = "beat"
WORKERS: Final = {
    "mail": ("Worker for mail", "Mail is kept, and waits."),
    "heavy": ("Worker for large mail", "Mail that takes long to look into waits."),
    "outbound": ("Worker for sending", "Mail to other servers waits."),
    "housekeeping": ("Worker for housekeeping", "Search, DNS checks and cleaning stand still."),
}
LATE: Final = 300  # seconds that mail may wait to be processed
STUCK: Final = 3_600
COUNTED: Final = 10_000  # beyond this nobody counts on


def workers() -> list[Check]:
    """Whether there is somebody for each queue, and for the times of the sweeps."""
    ages = signs.ages([*WORKERS, BEAT])
    found = [_sign(f"worker.{queue}", *WORKERS[queue], ages[queue]) for queue in WORKERS]
    words = "Nothing is set going by itself: retries, reports and cleaning."
    return [*found, _sign("worker.beat", "Clock of the workers", words, ages[BEAT])]


def _sign(key: str, name: str, without: str, silent: float | None) -> Check:
    advice = "See the log of the service: it starts a worker again that ends."
    if silent is None:
        words = f"It has never been seen. {without}"
        return Check(key, name, State.BAD, words, "Run manage.py serve, or its worker role.")
    if silent > signs.SILENT:
        words = f"It was seen {age(silent)} ago, and not since. {without}"
        return Check(key, name, State.BAD, words, advice)
    return Check(key, name, State.OK, f"It lives, seen {age(silent)} ago.")


def queue() -> list[Check]:
    """What waits, and for how long; what is held."""
    return [_processing(), _sending(), _held()]


def _processing() -> Check:
    now = now_us()
    due = QueuedMessage.objects.filter(
        state__in=[MessageState.ACCEPTED, MessageState.OFFERED],
        lease_until__lte=now,
        hold_until__lte=now,
    )
    oldest = due.aggregate(oldest=Min("received_at"))["oldest"]
    name = "Mail that came in"
    waits = 0.0 if oldest is None else max(0.0, (now - oldest) / 1_000_000)
    if waits < LATE:
        return Check("queue.in", name, State.OK, "None waits to be processed for long.")
    state = State.BAD if waits >= STUCK else State.WARNING
    words = f"The oldest has waited {age(waits)} to be processed."
    return Check("queue.in", name, state, words, "See the workers above, and the scanners.")


def _sending() -> Check:
    waiting = waiting_count()
    name = "Mail to other servers"
    if not waiting:
        return Check("queue.out", name, State.OK, "None waits.")
    some = "More than " if waiting >= COUNTED else ""
    waits = "waits" if waiting == 1 else "wait"
    words = f"{some}{many(waiting, 'recipient')} {waits} for another try."
    first = (
        QueuedRecipient.objects.filter(state=RecipientState.WAITING)
        .order_by("next_attempt_at")
        .values_list("next_attempt_at", flat=True)
        .first()
    )
    late = max(0.0, (now_us() - first) / 1_000_000) if first else 0.0
    if late > STUCK:
        words += f" The first is due since {age(late)}."
        advice = "See the worker for sending, and manage.py queue destinations."
        return Check("queue.out", name, State.WARNING, words, advice)
    return Check("queue.out", name, State.OK, words)


def _held() -> Check:
    held = QueuedMessage.objects.filter(state=MessageState.HELD)[:COUNTED].count()
    if not held:
        return Check("queue.held", "Held mail", State.OK, "None is held.")
    words = f"{many(held, 'message')} held: a worker ended over it, or somebody stopped it."
    advice = "manage.py queue list --state held shows it; then release or remove it."
    return Check("queue.held", "Held mail", State.WARNING, words, advice)


def waiting_count() -> int:
    """Recipients elsewhere that wait for another try, up to COUNTED; one statement by an index."""
    return QueuedRecipient.objects.filter(state=RecipientState.WAITING)[:COUNTED].count()
