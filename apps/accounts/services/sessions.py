"""The one door through which the web's sessions begin, change and end.

A row's key is the SHA-256 of the cookie. Rows are updated, never written anew: a session that was
ended elsewhere while a request of it was under way stays ended.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import WebSession
from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import User
from apps.events.bus import publish_on_commit
from apps.events.types import UserChanged

_ID = re.compile("[0-9a-f]{64}")
MOST: Final = 200  # of one user
_CHUNK = 1_000  # rows at a time when many have ended


def begin(session_id: str, columns: Mapping[str, Any]) -> bool:
    """Add a row; False if there is one with that key.

    A user has `MOST` of them: a program that signs in every minute, and never out, pushes out what
    was used longest ago.
    """
    try:
        with transaction.atomic():
            WebSession.objects.bulk_create([WebSession(session_key=session_id, **columns)])
    except IntegrityError:
        if WebSession.objects.filter(pk=session_id).exists():
            return False
        raise
    if columns["user_id"] is not None:
        _make_room(columns["user_id"])
    return True


def _make_room(user_id: int) -> None:
    mine = WebSession.objects.filter(user=user_id).order_by("-seen_at", "pk")
    if too_many := list(mine.values_list("pk", flat=True)[MOST : MOST + _CHUNK]):
        WebSession.objects.filter(pk__in=too_many).delete()


def change(session_id: str, columns: Mapping[str, Any]) -> bool:
    """Write what a request has changed; False if the session has ended meanwhile."""
    return bool(WebSession.objects.filter(pk=session_id).update(**columns))


def see(
    session_id: str, *, before: datetime, expire_date: datetime, address: str, client: str
) -> None:
    """Note that a session is used now, and from where.

    Args:
        before: the note is made if the last one is older, so that of many requests one writes.
    """
    WebSession.objects.filter(pk=session_id, seen_at__lte=before).update(
        seen_at=timezone.now(), expire_date=expire_date, address=address, client=client
    )


def forget(session_id: str) -> bool:
    """End a session, whoever's it is; False if it has ended already."""
    return bool(WebSession.objects.filter(pk=session_id).delete()[0])


def end(*, user: User, session_id: str) -> bool:
    """End one session of a user; False if there is none (any more).

    Args:
        session_id: as it was sent: anything.
    """
    if not _ID.fullmatch(session_id):
        return False
    with transaction.atomic():
        ended = WebSession.objects.filter(user=user, pk=session_id).delete()[0]
        if ended:
            record("session.end", **subjects.of_user(user), detail={"sessions": ended})
            publish_on_commit(UserChanged(user.pk))  # pages that are open in them
    return bool(ended)


def end_others(*, user: User, keep: str) -> int:
    """End all sessions of a user but one, also those in which the user looks as another; return
    how many there were.

    Args:
        keep: the `session_id` of the one that goes on.
    """
    with transaction.atomic():
        ended = WebSession.objects.filter(user=user).exclude(pk=keep).delete()[0]
        ended += WebSession.objects.filter(acting=user).exclude(pk=keep).delete()[0]
        if ended:
            record("session.end", **subjects.of_user(user), detail={"sessions": ended})
            publish_on_commit(UserChanged(user.pk))  # pages that are open in them
    return ended


def end_all(*, user_id: int) -> int:
    """End all sessions of a user, and those in which the user looks as another."""
    with transaction.atomic():
        ended = WebSession.objects.filter(user=user_id).delete()[0]
        ended += WebSession.objects.filter(acting=user_id).delete()[0]
        if ended:
            record("session.end", **subjects.of_user_id(user_id), detail={"sessions": ended})
            publish_on_commit(UserChanged(user_id))
    return ended


def clear() -> int:
    """Remove the rows of sessions that have ended by age, in chunks; return how many."""
    gone = 0
    while True:
        ended = WebSession.objects.filter(expire_date__lte=timezone.now())
        batch = list(ended.order_by("expire_date").values_list("pk", flat=True)[:_CHUNK])
        gone += WebSession.objects.filter(pk__in=batch).delete()[0]
        if len(batch) < _CHUNK:
            return gone
