"""Message trace."""

from typing import Final

from tests.console.matrixrows import Row, console

ROWS: Final[dict[str, Row]] = {
    "console-trace": console(200, 405),
    "console-trace-message": console(200, 405, "queued"),
}
