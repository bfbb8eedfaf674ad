"""Domains as they are shown."""

from collections.abc import Container, Sequence
from typing import Any, Final

from apps.api.domains.forms import DomainShown
from apps.directory import permissions
from apps.directory.models import Domain
from apps.directory.permissions import Powers
from apps.mime.address import display_domain

TAG: Final = "Domains"
EXAMPLE: Final = {
    "id": 12,
    "name": "example.org",
    "display_name": "example.org",
    "organization": 7,
    "alias_of": None,
    "kind": "hosted",
    "state": "active",
    "detail_separator": "+",
    "default_quota": 5_000_000_000,
    "adds_sender": False,
    "dmarc_policy": "reject",
    "list_policy": "reject",
    "greylists": False,
    "digest": "",
    "factor_demand": "nobody",
    "factor_due_at": None,
    "password_length": None,
    "sts_mode": "none",
    "created_at": "2026-11-28T10:00:00Z",
}


def shown(powers: Powers, rows: Sequence[Domain]) -> list[dict[str, Any]]:
    """Domains of which `alias_of` was read too; one statement for all of them."""
    known = permissions.owners(powers, {row.organization_id for row in rows})
    return [_one(row, known) for row in rows]


def _one(row: Domain, known: Container[int]) -> dict[str, Any]:
    values = {
        **{name: getattr(row, name) for name in _COLUMNS},
        "display_name": display_domain(row.name),
        "organization": row.organization_id if row.organization_id in known else None,
        "alias_of": None if row.alias_of is None else row.alias_of.name,
    }
    return dict(DomainShown(values).data)


_COLUMNS: Final = tuple(
    set(DomainShown().fields).difference(("display_name", "organization", "alias_of"))
)
