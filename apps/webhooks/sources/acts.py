"""What administrators did to users, aliases and domains, read off the audit log."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from apps.runtime.rows import aware, fetch
from apps.runtime.unbroken import Log
from apps.webhooks import kinds
from apps.webhooks.happened import Happened, Read
from apps.webhooks.sources.homes import homes

NAME: Final = "acts"
_LOG: Final = Log(
    "audit_auditrecord",
    *("at", "actor", "door", "action", "subject", "organization_id", "domain_id", "user_id"),
    "detail",
)


def end() -> int:
    """Where whoever begins now begins."""
    return int(fetch("SELECT coalesce(max(id), 0) FROM audit_auditrecord", [])[0][0])


def after(place: int, most: int, patience: float = 0.0) -> Read:
    """The next records; two statements, and some more on Postgres where one is still missing."""
    rows, is_all = _LOG.after(place, most, patience)
    told = [row for row in rows if row[4] in kinds.ACTS]
    where = homes({row[7] for row in told if row[7] is not None})
    found = []
    for _, at, actor, door, action, subject, organization, domain, user, detail in told:
        home = where.get(domain)
        data: dict[str, Any] = {"name": subject, "by": actor, "door": door}
        data |= {"detail": _detail(detail)}
        if home is not None:
            data["domain"] = home.name
        if user is not None:
            data["user_id"] = user
        found.append(
            Happened(
                kinds.ACTS[action],
                _us(at),
                organization if home is None else home.organization_id,
                domain if home is None else home.domain_id,
                data,
            )
        )
    return Read(found, rows[-1][0] if rows else place, is_all)


def _detail(kept: Any) -> Mapping[str, Any]:
    """SQLite gives the text of a JSON column, Postgres what it says."""
    found = json.loads(kept) if isinstance(kept, str) else kept
    return found if isinstance(found, dict) else {}


def _us(at: datetime) -> int:
    return round(aware(at).timestamp() * 1_000_000)
