"""What a source has read: something that happened, before anybody is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Happened:
    """Something.

    Args:
        kind: of `kinds.KINDS`.
        at_us: Unix microseconds.
        organization_id, domain_id: whose it is; an alias domain is meant by the one that it is an
            alias of. None for what belongs to the installation.
        origin: tells it from everything else, where the same may be read twice.
    """

    kind: str
    at_us: int
    organization_id: int | None
    domain_id: int | None
    data: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """Some of them, in their order.

    Args:
        place: how far the source has been read with them.
        is_all: there was nothing more.
    """

    found: list[Happened]
    place: int
    is_all: bool
