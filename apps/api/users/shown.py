"""Users as they are shown."""

from typing import Any, Final

from apps.api.users.forms import UserShown
from apps.directory.models import User

TAG: Final = "Users"
EXAMPLE: Final = {
    "id": 112,
    "address": "ann@example.org",
    "domain": 12,
    "name": "Ann Archer",
    "kind": "person",
    "state": "active",
    "quota": 5_000_000_000,
    "has_factor": False,
    "must_change_password": False,
    "forwarding": "",
    "created_at": "2026-11-28T10:00:00Z",
}
_COLUMNS: Final = tuple(name for name in EXAMPLE if name != "domain")


def shown(row: User) -> dict[str, Any]:
    """A user; no statement."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    return dict(UserShown({**values, "domain": row.domain_id}).data)
