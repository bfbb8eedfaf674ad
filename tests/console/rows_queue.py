"""Queue."""

from typing import Final

from tests.console.matrixrows import AUDIT, Row, console

ROWS: Final[dict[str, Row]] = {
    "console-queue": console(200, 405, may=AUDIT),
}
