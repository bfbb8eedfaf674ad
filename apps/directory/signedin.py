"""Who is signed in on this event loop, and whether each may stay.

A connection outlives the check of its password by hours. Every `SECONDS`, and at once when an
event says that a user has changed, the versions of all signed-in users are compared with the rows:
who has another password now, is suspended, locked or gone, is told goodbye. So is who came in by
the main password once a second factor is demanded; nothing tells of that moment, for it comes by
itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary

from apps.directory import apppasswords, demands, tokens
from apps.directory.authentication import Principal
from apps.directory.models import Means
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.rows import among, fetch, listed
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

# Asked at every message that a user sends, too.
_VERSIONS = f"""
SELECT u.id, u.credential_version, u.has_factor, {demands.COLUMNS}
FROM directory_user u
LEFT JOIN directory_domain d ON d.id = u.domain_id
LEFT JOIN directory_organization o ON o.id = d.organization_id
WHERE {{among}} AND u.state = 'active'
AND COALESCE(d.state, 'active') = 'active' AND COALESCE(o.state, 'active') = 'active'"""

SECONDS = 30.0
REASON = "Your password or your account has changed, or your token has ended: sign in again"


class Connection(Protocol):
    """What can be ended."""

    def end(self, reason: str) -> None:
        """Say goodbye with this reason as soon as no command runs, and close."""


class SignedIn:
    """The signed-in connections of one event loop."""

    def __init__(self) -> None:
        self._who: WeakKeyDictionary[Connection, Principal] = WeakKeyDictionary()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._again = False  # asked while a look was under way: that one may have read too early

    def add(self, connection: Connection, principal: Principal) -> None:
        """Keep an eye on a connection until it is gone."""
        self._who[connection] = principal
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self.look)

    def discard(self, connection: Connection) -> None:
        """Its user has signed out."""
        self._who.pop(connection, None)

    def look(self) -> None:
        """Compare now, and again after `SECONDS` while anybody is there."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._who:
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SECONDS, self.look)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._look())
        else:
            self._again = True

    def close(self) -> None:
        """Stop looking."""
        if self._timer is not None:
            self._timer.cancel()

    async def _look(self) -> None:
        self._again = True
        while self._again:
            self._again = False
            await self._end_the_changed()

    async def _end_the_changed(self) -> None:
        asked = set(self._who.values())
        try:
            staying = await in_db("read", still_in, asked)
        except MailError as error:
            logger.info("sign-ins not checked", extra={"detail": str(error)})
            return
        gone = asked - staying  # who signed in meanwhile is in neither, and is asked for next time
        for connection, principal in list(self._who.items()):
            if principal in gone:
                connection.end(REASON)


def still_in(principals: Collection[Principal]) -> set[Principal]:
    """Those who may stay: same password, if it still opens mail programs, or an app password or
    token that still works; not suspended."""
    accounts = _accounts({one.user_id for one in principals})
    used = {one.app_password for one in principals if one.app_password is not None}
    living = apppasswords.living(used) if used else set()
    shown = {one.access_token for one in principals if one.access_token is not None}
    valid = tokens.living(shown) if shown else set()
    return {
        one
        for one in principals
        if one.user_id in accounts
        and accounts[one.user_id].version == one.credential_version
        and not (one.means == Means.PASSWORD and accounts[one.user_id].needs_factor)
        and (one.app_password is None or one.app_password in living)
        and (one.access_token is None or one.access_token in valid)
        and (not one.expires_at or one.expires_at > now())
    }


class _Now(NamedTuple):
    """What counts of an account that people may sign in to at all."""

    version: int
    needs_factor: bool


def current_versions(user_ids: Iterable[int]) -> dict[int, int]:
    """The credential versions of those users who may sign in at all; one query."""
    return {pk: account.version for pk, account in _accounts(user_ids).items()}


def _accounts(user_ids: Iterable[int]) -> dict[int, _Now]:
    asked = [listed(sorted(set(user_ids)))]
    rows = fetch(_VERSIONS.format(among=among("u.id")), asked)
    return {
        pk: _Now(version, bool(has_factor) or demands.binds(demand, due_at, bool(holds_role)))
        for pk, version, has_factor, demand, due_at, holds_role in rows
    }
