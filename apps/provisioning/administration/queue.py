"""What administrators do with mail that waits.

Operators act on all of it. For others there is what users of their domains sent, and what comes in
for users of theirs; they act on it where all of it is theirs: sent by one of their users, or for
nobody else than users of theirs. Of a message that is for others too they see their own recipients,
and do nothing to it. Of what goes to the group of another tenant they see the address of the group,
not who is in it nor where these are. Where mail goes, and when, is the business of all tenants:
operators pause destinations, and have what waits for them tried again.

Who may do it is asked anew in the transaction that does it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower, StrIndex, Substr

from apps.delivery import administer
from apps.delivery.administer import Released
from apps.directory import permissions
from apps.directory.models import Domain
from apps.directory.permissions import Ability, Powers
from apps.mailqueue import queries
from apps.mailqueue.models import Aside, MessageState, QueuedMessage, QueuedRecipient
from apps.mailqueue.queries import (
    HELD_ROWS,
    UNFINISHED_ROWS,
    UNPROCESSED_ROWS,
    DestinationRow,
)
from apps.mailqueue.services import EVERYWHERE, Ending
from apps.runtime.clock import now_us
from apps.wire.errors import NotFound, NotPermitted


def in_sight(powers: Powers) -> QuerySet[QueuedMessage]:
    """The unfinished messages of which somebody may see something."""
    found = _unfinished(powers)
    return found if powers.is_operator else found.filter(_sight(powers))


def in_sight_of_few(powers: Powers) -> QuerySet[QueuedMessage]:
    """The same, to be narrowed to a few by their ids: each of these is asked whether it is in
    sight."""
    found = _unfinished(powers)
    if powers.is_operator:
        return found
    inside = Q(HELD_ROWS) | Q(UNPROCESSED_ROWS)
    return found.filter(_sent(powers) | (inside & Exists(_for_theirs(powers, OuterRef("pk")))))


def sent(powers: Powers) -> QuerySet[QueuedMessage]:
    """The unfinished messages that their users sent; they were at home in their domains then."""
    found = _unfinished(powers)
    return found if powers.is_operator else found.filter(_sent(powers))


def _unfinished(powers: Powers) -> QuerySet[QueuedMessage]:
    found = QueuedMessage.objects.filter(UNFINISHED_ROWS)
    return found if powers.may(Ability.RUN_QUEUE) else found.none()


def look(powers: Powers, message_id: UUID) -> QueuedMessage:
    """A message in sight, also one that was finished a moment ago; raise NotFound."""
    rows = QueuedMessage.objects.filter(pk=message_id)
    if not powers.may(Ability.RUN_QUEUE):
        rows = rows.none()
    elif not powers.is_operator:
        rows = rows.filter(_sent(powers) | Exists(_for_theirs(powers, OuterRef("pk"))))
    found = rows.first()
    if found is None:
        raise NotFound(f"message {message_id}", text="There is no such message in the queue")
    return found


def known(powers: Powers, messages: Sequence[UUID]) -> QuerySet[QueuedRecipient]:
    """The recipients of messages in sight that somebody may know of: all of what users of theirs
    sent, else those who are theirs."""
    found = QueuedRecipient.objects.filter(message__in=messages)
    if powers.is_operator:
        return found
    # By the ids once more: for a join, Postgres may read all messages.
    own = QueuedMessage.objects.filter(_sent(powers), pk__in=messages).values("pk")
    return found.filter(Q(message__in=own) | Q(user__domain__in=_homes(powers)))


def with_recipient(powers: Powers, text: str, states: Sequence[str]) -> Q:
    """Messages in sight of which a recipient in one of some states has a text in the address, as
    far as somebody may know of it. Where not all is in sight, each message is asked in turn."""
    rows = QueuedRecipient.objects.filter(state__in=states)
    if powers.is_operator:
        return Q(pk__in=_with_text(powers, rows, text).values("message"))
    own = Q(message__domain__in=_homes(powers)) | Q(user__domain__in=_homes(powers))
    return Q(Exists(_with_text(powers, rows.filter(own, message=OuterRef("pk")), text)))


def named(powers: Powers, rows: QuerySet[QueuedRecipient]) -> QuerySet[QueuedRecipient]:
    """Those recipients of messages in sight whose final address may be told: it is as the sender
    wrote it, or theirs, or an address of theirs leads there."""
    return rows if powers.is_operator else _taken_apart(rows).filter(_named(powers))


def _with_text(
    powers: Powers, rows: QuerySet[QueuedRecipient], text: str
) -> QuerySet[QueuedRecipient]:
    """Those of which a text is part of the address, as far as that may be told."""
    written, final = Q(original__icontains=text), Q(address__icontains=text)
    if powers.is_operator:
        return rows.filter(written | final)
    return _taken_apart(rows).filter(written | (final & _named(powers)))


def _taken_apart(rows: QuerySet[QueuedRecipient]) -> QuerySet[QueuedRecipient]:
    # Behind the first at sign: of a quoted local part with others it is no domain, and hidden.
    behind = Substr("original", StrIndex("original", Value("@")) + 1)
    return rows.alias(written=Lower("original"), final=Lower("address"), home=Lower(behind))


def _named(powers: Powers) -> Q:
    ours = permissions.domains(powers, Ability.RUN_QUEUE).values("name")
    theirs = Q(user__domain__in=_homes(powers))
    return Q(final=F("written")) | theirs | Q(home__in=ours)


def is_theirs(powers: Powers, message_id: UUID) -> bool:
    """Whether somebody may act on a message in sight."""
    return bool(mine(powers, [message_id]))


def mine(powers: Powers, ids: Sequence[UUID]) -> list[UUID]:
    """Those of some messages, finished or not, that somebody may act on."""
    if not powers.may(Ability.RUN_QUEUE):
        return []
    rows = QueuedMessage.objects.filter(pk__in=ids)
    if not powers.is_operator:
        any_of_them = QueuedRecipient.objects.filter(message=OuterRef("pk"))
        others = any_of_them.exclude(user__domain__in=_homes(powers))
        whole = Q(user=None) & Exists(any_of_them) & ~Exists(others)
        rows = rows.filter(_sent(powers) | whole)
    return sorted(rows.values_list("pk", flat=True))


def _homes(powers: Powers) -> QuerySet[Domain, Any]:
    """The domains where somebody runs the queue."""
    return permissions.domains(powers, Ability.RUN_QUEUE).values("pk")


def _sent(powers: Powers) -> Q:
    return Q(domain__in=_homes(powers))


def _for_theirs(powers: Powers, message: OuterRef) -> QuerySet[QueuedRecipient]:
    """The recipients of a message who are users of their domains. (A user who was removed has
    none.)"""
    return QueuedRecipient.objects.filter(message=message, user__domain__in=_homes(powers))


def _sight(powers: Powers) -> Q:
    """Three sets by three indexes: what their users sent, and the little that is held or not
    processed yet and is for them. (By one index of all that is unfinished, SQLite asks of each
    message of the backlog whom it is for before it looks whether it has left.)"""
    theirs = Exists(_for_theirs(powers, OuterRef("pk")))
    held = QueuedMessage.objects.filter(HELD_ROWS, theirs)
    coming = QueuedMessage.objects.filter(UNPROCESSED_ROWS, theirs)
    inside = (held.values("pk"), coming.values("pk"))
    return Q(pk__among=sent(powers).values("pk").union(*inside, all=True))


def retry(*, powers: Powers, ids: Sequence[UUID]) -> int:
    """Try messages again now; how many. Those that are not theirs, or are gone, are passed over."""
    return _act(powers, ids, administer.retry)


def reroute(*, powers: Powers, ids: Sequence[UUID]) -> int:
    """Choose the way of messages anew; as `retry`."""
    return _act(powers, ids, administer.reroute)


def cancel(*, powers: Powers, ids: Sequence[UUID]) -> int:
    """Cancel messages of which nothing has left; as `retry`."""
    return _act(powers, ids, administer.cancel)


def _act(powers: Powers, ids: Sequence[UUID], act: Callable[[Sequence[UUID]], int]) -> int:
    with transaction.atomic():
        return act(mine(powers, ids))


def release(*, powers: Powers, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Let messages go; how each was that did, for `unrelease`."""
    with transaction.atomic():
        found = mine(powers, ids)
        rows = list(QueuedMessage.objects.filter(pk__in=found))
        before = [_before(one) for one in rows if _is_kept(one)]
        if not before or not administer.release_hold([one.id for one in before]):
            return []
    return [{**asdict(one), "id": one.id.hex} for one in before]


def _is_kept(one: QueuedMessage) -> bool:
    is_scheduled = one.state == MessageState.ACCEPTED and one.hold_until > now_us()
    return is_scheduled or one.state == MessageState.HELD


def _before(one: QueuedMessage) -> Released:
    is_held = one.state == MessageState.HELD
    until = 0 if is_held else one.hold_until
    return Released(one.pk, until, one.last_error, one.is_cleared)


def unrelease(*, powers: Powers, before: Sequence[dict[str, Any]]) -> int:
    """Hold what was released again, as far as it has not left; how many messages."""
    with transaction.atomic():
        rows = [Released(**{**one, "id": UUID(one["id"])}) for one in before]
        theirs = set(mine(powers, [one.id for one in rows]))
        return administer.hold_again([one for one in rows if one.id in theirs])


def set_aside(
    *, powers: Powers, ids: Sequence[UUID], ending: Ending, reason: str = ""
) -> tuple[UUID, list[UUID]]:
    """Hold messages; delete them or give them back to their senders in a while, if nobody says
    `take_back` before that. By what it is taken back, and the ids of those that were."""
    with transaction.atomic():
        return administer.set_aside(mine(powers, ids), ending, reason)


def take_back(*, powers: Powers, act: UUID, ids: Sequence[UUID]) -> int:
    """Put messages back where they were; how many it was not too late for."""
    with transaction.atomic():
        return administer.take_back(act, mine(powers, ids))


def take_all_back(*, powers: Powers, act: UUID) -> int:
    """The same of all that an act was done to."""
    ids = list(Aside.objects.filter(act=act).values_list("message_id", flat=True))
    return take_back(powers=powers, act=act, ids=ids) if ids else 0


def destinations(powers: Powers, limit: int) -> list[DestinationRow]:
    """Destinations with mail in sight that waits or is held, most of it first. Of other tenants'
    mail nothing is counted."""
    if powers.is_operator:
        return queries.destinations(limit)
    # Of what comes in for several tenants the way of the others' is none of theirs.
    return queries.destinations_of(
        sent(powers), named(powers, QueuedRecipient.objects.all()), limit
    )


def pause(*, powers: Powers, name: str = EVERYWHERE) -> bool:
    """Send nothing to a destination, or to any; whether that is news. Raises NotPermitted."""
    _demand_operator(powers)
    return administer.pause(name)


def resume(*, powers: Powers, name: str = EVERYWHERE) -> bool:
    """Let it go on; whether it was paused. Raises NotPermitted."""
    _demand_operator(powers)
    return administer.resume(name)


def hasten(*, powers: Powers, name: str = EVERYWHERE) -> int:
    """Try what waits there again now; of how many recipients. Raises NotPermitted."""
    _demand_operator(powers)
    return administer.hasten(name)


def _demand_operator(powers: Powers) -> None:
    if not powers.is_operator:
        raise NotPermitted("queue", text="Only operators may do that")
