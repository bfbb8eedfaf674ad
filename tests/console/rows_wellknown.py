"""What other servers and mail programs ask for: under a name that is none of a hosted domain's,
nobody is told anything."""

from typing import Final

from tests.console.matrixrows import Row

_NOTHING: Final = Row(404, 404, strangers=None, rest=404)

ROWS: Final[dict[str, Row]] = {
    "mta-sts": _NOTHING,
    "autoconfig": _NOTHING,
    "autoconfig-wellknown": _NOTHING,
    "autodiscover": _NOTHING,
    "autodiscover-capitals": _NOTHING,
}
