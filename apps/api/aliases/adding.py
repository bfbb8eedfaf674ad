"""Adding an alias."""

from collections.abc import Mapping
from typing import Any, Final

from apps.api.problems import about
from apps.directory.models import Alias
from apps.directory.permissions import Powers
from apps.provisioning.administration import aliases
from apps.wire.errors import (
    AlreadyExists,
    InUse,
    InvalidAddress,
    InvalidName,
    LimitReached,
    NotFound,
)

EXAMPLE: Final = {"address": "sales@example.org", "targets": ["alice@example.org"]}
_OF_ADDRESS: Final = (
    *(InvalidAddress, InvalidName, AlreadyExists),
    *(NotFound, InUse, LimitReached),
)


def add(powers: Powers, asked: Mapping[str, Any]) -> Alias:
    """Add one (an `AliasForm`), in one transaction or in the caller's.

    Raises:
        NotPermitted, and what is wrong with a field
    """
    with about("/address", *_OF_ADDRESS):
        return aliases.add(powers=powers, pattern=asked["address"], targets=asked["targets"])
