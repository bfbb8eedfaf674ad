"""What became of messages."""

from typing import Final

from tests.api.matrixrows import Row

ROWS: Final[dict[str, Row]] = {
    "api-traces": Row(get=200),
    "api-trace": Row(get=200, thing="queued"),
}
