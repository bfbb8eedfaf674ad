"""Sign-ins, read off the history that their users are shown: alike within an hour are one."""

from datetime import datetime
from typing import Any, Final

from apps.directory.models import Outcome, User
from apps.runtime.rows import aware, fetch
from apps.runtime.unbroken import Log
from apps.webhooks import kinds
from apps.webhooks.happened import Happened, Read
from apps.webhooks.sources.homes import homes

NAME: Final = "sign-ins"
_LOG: Final = Log(
    "directory_signin",
    *("first_at", "user_id", "outcome", "door", "means", "via", "address", "client"),
    "is_new_place",
)


def end() -> int:
    """Where whoever begins now begins."""
    return int(fetch("SELECT coalesce(max(id), 0) FROM directory_signin", [])[0][0])


def after(place: int, most: int, patience: float = 0.0) -> Read:
    """The next ones; three statements, and some more on Postgres where one is still missing."""
    rows, is_all = _LOG.after(place, most, patience)
    users = User.objects.filter(pk__in={row[2] for row in rows}).order_by()
    people = {pk: (key, home) for pk, key, home in users.values_list("pk", "key", "domain_id")}
    where = homes({home for _, home in people.values() if home is not None})
    found = []
    for _, at, user, outcome, door, means, via, address, client, is_new in rows:
        key, domain = people.get(user, ("", None))
        home = where.get(domain) if domain is not None else None
        if not key:
            continue  # purged meanwhile
        data: dict[str, Any] = {"user": key, "user_id": user, "outcome": outcome, "door": door}
        data |= {"means": means, "via": via, "address": address, "client": client}
        data["is_new_place"] = bool(is_new)
        kind = kinds.ACCEPTED if outcome == Outcome.OK else kinds.REFUSED
        owner, here = (None, None) if home is None else (home.organization_id, home.domain_id)
        found.append(Happened(kind, _us(at), owner, here, data))
    return Read(found, rows[-1][0] if rows else place, is_all)


def _us(at: datetime) -> int:
    return round(aware(at).timestamp() * 1_000_000)
