"""Sign-ins, read off the history that their users are shown: alike within an hour are one.

Those of administrators are told where their roles do not reach beyond: whoever may not sign
somebody out does not learn where that person signs in.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from apps.directory.models import Outcome, Role, RoleGrant, User
from apps.runtime.rows import aware, fetch
from apps.runtime.unbroken import Log
from apps.webhooks import kinds
from apps.webhooks.happened import Happened, Read
from apps.webhooks.sources.homes import Home, homes

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
    """The next ones; four statements, and some more on Postgres where one is still missing."""
    rows, is_all = _LOG.after(place, most, patience)
    users = User.objects.filter(pk__in={row[2] for row in rows}).order_by()
    people = {pk: (key, home) for pk, key, home in users.values_list("pk", "key", "domain_id")}
    where = homes({home for _, home in people.values() if home is not None})
    roles = _roles(people)
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
        owner, here = _place(home, roles.get(user, ()))
        found.append(Happened(kind, _us(at), owner, here, data))
    return Read(found, rows[-1][0] if rows else place, is_all)


_Grant = tuple[str, int | None, int | None, int | None]


def _roles(user_ids: Collection[int]) -> dict[int, list[_Grant]]:
    """Those of who has any: role, organisation, domain, organisation of that; one statement."""
    rows = RoleGrant.objects.filter(user__in=list(user_ids)).order_by()
    columns = ("user_id", "role", "organization_id", "domain_id", "domain__organization_id")
    found: dict[int, list[_Grant]] = {}
    for user, *grant in rows.values_list(*columns):
        found.setdefault(user, []).append((grant[0], grant[1], grant[2], grant[3]))
    return found


def _place(home: Home | None, roles: Collection[_Grant]) -> tuple[int | None, int | None]:
    """The organisation and the domain that are told: the installation alone, or none below it."""
    if home is None or any(role == Role.OPERATOR for role, *_ in roles):
        return None, None
    if any((whole or of_domain) != home.organization_id for _, whole, _, of_domain in roles):
        return None, None
    is_within = all(domain == home.domain_id for _, _, domain, _ in roles)
    return home.organization_id, home.domain_id if is_within else None


def _us(at: datetime) -> int:
    return round(aware(at).timestamp() * 1_000_000)
