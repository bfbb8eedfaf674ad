"""The service in numbers, for programs that watch it: what the dashboard tells in pictures.

All of it is in the database, so that every process tells the same, and nothing starts from nought
when one is started anew. It is a constant number of statements.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from apps.directory import permissions
from apps.directory.models import Domain, State, User, UserState
from apps.directory.permissions import Ability, Powers
from apps.directory.services.capacity import OWN_BOX
from apps.mailqueue.models import (
    Destination,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.mailqueue.queries import UNFINISHED
from apps.mailstore.models import Usage
from apps.runtime.clock import now_us
from apps.scan.models import Quarantined, QuarantineState, Reason
from apps.trace import flow
from apps.trace.flow import EVERYTHING, Standing


@dataclass(frozen=True, slots=True)
class Queue:
    """What is in the queue.

    Args:
        messages: that are not finished, by their state; all states are there.
        waiting: recipients elsewhere that wait for another try.
        oldest: seconds since the oldest of their messages came; 0 if none waits.
        closed: destinations that are not tried for a while.
    """

    messages: Mapping[str, int]
    waiting: int
    oldest: float
    closed: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All of them; sizes in octets. `asleep` are locked or suspended."""

    mail: Standing
    queue: Queue
    quarantine: Mapping[str, int]
    domains: int
    domains_asleep: int
    users: int
    users_asleep: int
    messages: int
    used: int


def figures() -> Figures:
    """As they are now."""
    domains = Domain.objects.aggregate(
        all=Count("pk"), asleep=Count("pk", filter=~Q(state=State.ACTIVE))
    )
    users = User.objects.living().aggregate(
        all=Count("pk", filter=~Q(OWN_BOX)),
        asleep=Count("pk", filter=~Q(state=UserState.ACTIVE)),
    )
    kept = Usage.objects.aggregate(size=Sum("size"), messages=Sum("messages"))
    return Figures(
        mail=flow.standing(),
        queue=_queue(),
        quarantine=_quarantine(),
        domains=domains["all"],
        domains_asleep=domains["asleep"],
        users=users["all"],
        users_asleep=users["asleep"],
        messages=int(kept["messages"] or 0),
        used=int(kept["size"] or 0),
    )


def scopes(powers: Powers) -> list[int]:
    """Whose mail flow is summed up for somebody: everything, or the domains in sight."""
    if powers.is_operator:
        return [EVERYTHING]
    seen = permissions.domains(powers, Ability.TRACE_MAIL)
    return list(seen.order_by("pk").values_list("pk", flat=True))


def _queue() -> Queue:
    states = QueuedMessage.objects.filter(state__in=UNFINISHED).values_list("state")
    found = dict(states.annotate(Count("pk")).order_by("state"))
    waiting = QueuedRecipient.objects.filter(state=RecipientState.WAITING)
    now = now_us()
    # By the index of what waits: its messages sort by time, among those that were told of and not.
    oldest = [
        at
        for is_told in (False, True)
        for at in waiting.filter(is_delay_told=is_told)
        .order_by("message_id")
        .values_list("message__received_at", flat=True)[:1]
        if at is not None
    ]
    return Queue(
        messages={str(state): found.get(state, 0) for state in map(MessageState, UNFINISHED)},
        waiting=waiting.count(),
        oldest=max(0.0, (now - min(oldest)) / 1_000_000) if oldest else 0.0,
        closed=Destination.objects.filter(closed_until__gt=now).count(),
    )


def _quarantine() -> dict[str, int]:
    kept = Quarantined.objects.filter(state=QuarantineState.KEPT).values_list("reason")
    found = dict(kept.annotate(Count("pk")).order_by("reason"))
    return {reason.value: found.get(reason.value, 0) for reason in Reason}
