"""Quarantine."""

from typing import Final

from tests.console.matrixrows import AUDIT, Row, console

ROWS: Final[dict[str, Row]] = {
    "console-quarantine": console(200, 405, may=AUDIT),
}
