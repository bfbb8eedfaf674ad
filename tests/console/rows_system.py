"""The first page, finding, undoing, health, the audit log."""

from typing import Final

from tests.console.matrixrows import AUDIT, Row, console

ROWS: Final[dict[str, Row]] = {
    "console": console(200, 405),
    "console-dashboard": console(200, 405),
    "console-health": console(200, 405, may=("operator",)),
    "console-programs": console(200, 405, may=("operator",)),
    "console-program-add": console(200, 200, may=("operator",)),
    "console-program-remove": console(200, 302, "program", may=("operator",)),
    "console-tokens": console(200, 405),
    "console-token-add": console(200, 200),
    "console-token": console(404, 404, "api-token"),  # somebody else's, whoever asks
    "console-audit": console(200, 405, may=AUDIT),
    "console-find": console(200, 405),
    "console-roles": console(200, 405, may=AUDIT),
    "console-role-give": console(200, 422, may=AUDIT),
    "console-role-take": console(200, 302, "grant", may=AUDIT),
    "console-undo": console(405, 404),
}
