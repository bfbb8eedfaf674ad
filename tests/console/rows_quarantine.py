"""Quarantine."""

from typing import Final

from tests.console.matrixrows import AUDIT, Row, console

ROWS: Final[dict[str, Row]] = {
    "console-quarantine": console(200, 405, may=AUDIT),
    "console-quarantine-bulk": console(405, 302, may=AUDIT, data=(("act", "delete"),)),
    "console-quarantine-message": console(200, 405, "held", may=AUDIT),
    "console-quarantine-look": console(405, 200, "held", may=AUDIT),
    "console-quarantine-act": console(405, 302, "held", may=AUDIT, data=(("do", "delete"),)),
}
