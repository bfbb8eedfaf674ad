"""Queue."""

from typing import Final

from tests.console.matrixrows import AUDIT, Row, console

ROWS: Final[dict[str, Row]] = {
    "console-queue": console(200, 405, may=AUDIT),
    "console-queue-bulk": console(405, 404, may=AUDIT),
    "console-queue-destination": console(405, 404, may=AUDIT),
    "console-queue-message": console(200, 405, "queued", may=AUDIT),
    "console-queue-act": console(405, 302, "queued", may=AUDIT, data=(("act", "delete"),)),
}
