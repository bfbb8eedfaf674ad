"""ETags (RFC 9110 section 8.8.3): a digest of what is shown, so any change of it is another."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import connection, models
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from apps.api.problems import Changed

_OCTETS: Final = 12


def tag_of(data: Mapping[str, Any]) -> str:
    """The strong ETag of something that is shown."""
    text = json.dumps(data, sort_keys=True, cls=JSONEncoder, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[: 2 * _OCTETS]}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has it already (If-None-Match)."""
    return _names(request.headers.get("If-None-Match", ""), tag)


def is_meant(request: Request, tag: str) -> bool:
    """Whether this is the state that the client speaks of (If-Match), if it says."""
    wanted = request.headers.get("If-Match")
    return wanted is None or _names(wanted, tag)


def demand(
    request: Request, rows: models.QuerySet[Any], show: Callable[[], Mapping[str, Any]]
) -> None:
    """Lock the rows and raise Changed, if If-Match names another state than `show` tells."""
    if request.headers.get("If-Match") is None:
        return
    assert connection.in_atomic_block
    list(rows.order_by("pk").select_for_update(no_key=True, of=("self",)).values_list("pk"))
    if not is_meant(request, tag_of(show())):
        raise Changed


def _names(header: str, tag: str) -> bool:
    if header.strip() == "*":
        return True
    return any(one.strip().removeprefix("W/") == tag for one in header.split(","))
