"""Leases of recipients while they are under way: make them longer, prove them, end them unused.

A worker that was paused past its lease finds out here before it sends anything.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import connection, transaction

from apps.mailqueue.services.columns import NOW, SECOND, in_order, lasting, marks
from apps.mailqueue.services.ending import lock_messages
from apps.runtime.rows import among, listed

_OURS = "lease_token = %s AND {}"


def renew(tokens: Collection[UUID], recipients: Sequence[int], seconds: float) -> set[int]:
    """Let leases last `seconds` from now on; which of the recipients may still be sent to.

    One that lapsed and that nobody took over is ours again. One that was held or deleted since is
    ours, to be settled, but must not be sent to any more.
    """
    if not tokens or not recipients:
        return set()
    now = NOW[connection.vendor]
    lease = int(seconds * SECOND)
    ours = f"lease_token IN ({marks(list(tokens))}) AND {among('id')}"
    with lasting(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE mailqueue_queuedrecipient SET lease_until = {now} + %s, next_attempt_at ="
            f" CASE WHEN next_attempt_at > lease_until THEN next_attempt_at ELSE {now} + %s END"
            f" WHERE {in_order(ours)} RETURNING id, state",
            [lease, lease, *(token.hex for token in tokens), listed(recipients)],
        )
        return {int(row[0]) for row in cursor.fetchall() if row[1] == "waiting"}


def check(tokens: Collection[UUID], recipients: Sequence[int], seconds_left: float = 0) -> set[int]:
    """Which recipients may be sent to: leased by us for `seconds_left` more, and neither held nor
    deleted since."""
    if not tokens or not recipients:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM mailqueue_queuedrecipient WHERE state = 'waiting'"
            f" AND lease_until > {NOW[connection.vendor]} + %s"
            f" AND lease_token IN ({marks(list(tokens))}) AND {among('id')}",
            [
                int(seconds_left * SECOND),
                *(token.hex for token in tokens),
                listed(recipients),
            ],
        )
        return {int(row[0]) for row in cursor.fetchall()}


def give_back(
    token: UUID,
    recipients: Sequence[int],
    *,
    delay_told: bool = False,
    wait_seconds: float = 0,
) -> None:
    """End the lease of recipients that were not tried: they are due at once, or in `wait_seconds`;
    those that were claimed as overdue when they were before. What is not ours is left alone.

    Args:
        delay_told: their senders were told that they wait.
    """
    now = NOW[connection.vendor]
    later = int(wait_seconds * SECOND)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mailqueue_queuedrecipient SET lease_until = 0, lease_token = NULL,"
            " is_delay_told = (is_delay_told OR %s), next_attempt_at ="
            " CASE WHEN next_attempt_at > lease_until THEN next_attempt_at"
            f" WHEN attempts = 0 AND %s = 0 THEN 0 ELSE {now} + %s END"
            f" WHERE {in_order(_OURS.format(among('id')))}",
            [delay_told, later, later, token.hex, listed(recipients)],
        )


@transaction.atomic
def reroute_leased(token: UUID, message: UUID, recipients: Sequence[int]) -> None:
    """Have the way of leased recipients chosen anew: their destination is there no more."""
    lock_messages([message])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mailqueue_queuedrecipient SET state = 'pending', destination = '',"
            " next_attempt_at = 0, lease_until = 0, lease_token = NULL"
            f" WHERE {in_order(_OURS.format(among('id')))} AND state = 'waiting' RETURNING id",
            [token.hex, listed(recipients)],
        )
        if cursor.fetchall():
            cursor.execute(
                "UPDATE mailqueue_queuedmessage SET state = 'accepted', lease_until = 0,"
                " lease_token = NULL WHERE id = %s AND state = 'routed'",
                [message.hex],
            )
