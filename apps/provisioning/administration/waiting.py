"""Which waiting mail somebody looks for: what lists of the queue show, whoever shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from apps.directory.permissions import Powers
from apps.mailqueue import queries
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.provisioning.administration import queue as doors
from apps.runtime.clock import now_us
from apps.runtime.ulid import parse_ulid

STATES: Final = ("waiting", "sending", "held", "scheduled")
OPEN: Final = (RecipientState.PENDING, RecipientState.WAITING, RecipientState.HELD)
_FEW: Final = ("sending", "scheduled")  # they are found before anybody asks for whom they are


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; "" and 0 ask for anything.

    Args:
        text: part of a sender or recipient, or a queue id.
        state: one of STATES.
        destination: where it is to go, as `QueuedRecipient.destination` or without `mx/`.
        before_us: what came before that, Unix microseconds.
    """

    text: str = ""
    state: str = ""
    destination: str = ""
    before_us: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How those recipients of a message stand that are not settled.

    Args:
        first: the id of the first one; 0 if none is in sight.
        tries: of the one that was tried most often.
        next_us: when the next one is due, Unix microseconds; None if none waits.
        under_way: how many somebody sends to at this moment.
    """

    first: int = 0
    count: int = 0
    tries: int = 0
    next_us: int | None = None
    under_way: int = 0


NOBODY: Final = Standing()


def chosen(powers: Powers, asked: Asked) -> QuerySet[QueuedMessage]:
    """The messages in sight that fit, in no order."""
    found = in_state(powers, asked.state, is_bound=bool(asked.destination))
    if asked.destination:
        named = doors.named(powers, QueuedRecipient.objects.all())
        found = found.filter(queries.bound_messages(_names(asked.destination), named))
    if asked.before_us:
        found = found.filter(pk__lt=queries.first_id(asked.before_us))
    if asked.text:
        found = found.filter(_like(powers, asked.text))
    return found


def in_state(powers: Powers, state: str, *, is_bound: bool = False) -> QuerySet[QueuedMessage]:
    """The messages in sight that are in one of STATES, or in any for "".

    Args:
        is_bound: those alone of which somebody is told where they go: of what comes in nobody is.
    """
    now = now_us()
    found = _base(powers, state, is_bound=is_bound)
    if state == "waiting":
        return found.filter(state=MessageState.ROUTED).exclude(pk__in=queries.stuck().values("pk"))
    if state == "sending":
        return found.filter(pk__in=queries.leased_recipients(now).values("message"))
    if state == "held":
        held = QueuedMessage.objects.filter(queries.HELD_ROWS)
        return found.filter(pk__among=held.values("pk").union(queries.stuck().values("pk")))
    if state == "scheduled":
        lanes = QueuedMessage.objects.filter(queries.UNPROCESSED_ROWS, lane__in=(0, 1))
        later = lanes.filter(lease_until=0, hold_until__gt=now, state=MessageState.ACCEPTED)
        return found.filter(pk__in=later.values("pk"))
    return found


def _base(powers: Powers, state: str, *, is_bound: bool) -> QuerySet[QueuedMessage]:
    if is_bound:
        return doors.sent(powers)
    return doors.in_sight_of_few(powers) if state in _FEW else doors.in_sight(powers)


def _names(text: str) -> list[str]:
    return [text] if "/" in text else [f"mx/{text.casefold()}", text]


def _like(powers: Powers, text: str) -> Q:
    """A queue id; or part of an address, among those that somebody may see."""
    identity = parse_ulid(text.upper())
    if identity is not None:
        return Q(pk=identity)
    return Q(sender__icontains=text) | doors.with_recipient(powers, text, OPEN)


def standing(powers: Powers, ids: Sequence[UUID], now: int) -> dict[UUID, Standing]:
    """How the recipients of messages stand, as far as somebody may know of them; one statement.
    Messages without any that is not settled are left out."""
    rows = doors.known(powers, ids).filter(state__in=OPEN)
    counted = rows.values("message").annotate(
        first=Min("id"),
        count=Count("id"),
        tries=Max("attempts"),
        next_us=Min("next_attempt_at", filter=Q(state=RecipientState.WAITING)),
        under_way=Count("id", filter=Q(lease_until__gt=now)),
    )
    found: dict[UUID, Standing] = {}
    for row in counted.order_by("message"):
        one: dict[str, Any] = dict(row)
        message = one.pop("message")
        found[message] = Standing(**one | {"tries": one["tries"] or 0})
    return found
