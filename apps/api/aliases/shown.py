"""Aliases as they are shown."""

from collections.abc import Sequence
from typing import Any, Final

from apps.api.aliases.forms import AliasShown
from apps.directory.models import Alias
from apps.provisioning import aliaslists

TAG: Final = "Aliases and groups"
SHOWN: Final = {
    "id": 31,
    "address": "sales@example.org",
    "domain": 12,
    "kind": "alias",
    "state": "active",
    "targets": ["alice@example.org"],
    "created_at": "2026-11-28T10:00:00Z",
}
GROUP: Final = {
    **SHOWN,
    "kind": "group",
    "targets": ["alice@example.org", "bob@example.com"],
}


def shown(rows: Sequence[Alias]) -> list[dict[str, Any]]:
    """Aliases of which `domain` was read too; one statement for all of them."""
    found = aliaslists.targets(row.pk for row in rows)
    return [one(row, found.get(row.pk, [])) for row in rows]


def one(row: Alias, targets: list[str]) -> dict[str, Any]:
    """An alias of which `domain` was read too, with its targets; no statement."""
    values = {
        "id": row.pk,
        "address": str(aliaslists.pattern_of(row)),
        "domain": row.domain_id,
        "kind": aliaslists.sort_of(row, len(targets)),
        "state": row.state,
        "targets": targets,
        "created_at": row.created_at,
    }
    return dict(AliasShown(values).data)
