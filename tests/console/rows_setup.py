"""The first run."""

from typing import Final

from tests.console.matrixrows import Row

ROWS: Final[dict[str, Row]] = {}
