"""CSV files."""

from typing import Final

from tests.console.matrixrows import Row, console

# An import is its owner's alone: `test_imports.py` asks for others'. Here, nobody has one.
ROWS: Final[dict[str, Row]] = {
    "console-import": console(200, 422),
    "console-import-template": console(200, 405),
    "console-import-job": console(404, 405),
    "console-import-start": console(405, 404),
    "console-import-cancel": console(405, 404),
    "console-import-undo": console(405, 404),
    "console-import-wrong": console(404, 405),
    "console-import-added": console(404, 405),
    "console-export": console(404, 405),
}
