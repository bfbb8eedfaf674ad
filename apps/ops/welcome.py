"""What an administrator sees at the start: the doors, the web address, the first step."""

from collections.abc import Iterable, Mapping

from django.conf import settings
from django.urls import reverse

from apps.ops.doors import SECURITY
from apps.runtime.sockets import Endpoint

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def doors_table(doors: Mapping[str, Endpoint]) -> str:
    """Mail doors as a table: name, address, security."""
    rows = [("door", "address", "security")]
    rows += [(door, str(where), SECURITY[door]) for door, where in doors.items()]
    return "\n".join(_aligned(rows))


def web_address(where: Endpoint) -> str:
    """The address to type into a browser."""
    scheme, usual = ("https", 443) if settings.WEB_TLS else ("http", 80)
    host = "localhost" if where.host in _LOOPBACK else settings.MAIL_HOSTNAME
    port = "" if where.port == usual else f":{where.port}"
    return f"{scheme}://{host}{port}/"


def setup_address(where: Endpoint, token: str) -> str:
    """The link that makes the first operator."""
    return web_address(where).rstrip("/") + reverse("setup", args=[token])


def _aligned(rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield ("  " + "  ".join(cells)).rstrip()
