"""Users."""

from typing import Final

from tests.console.matrixrows import Row, console

ROWS: Final[dict[str, Row]] = {
    "console-users": console(200, 405),
    "console-user-add": console(200, 200),
    "console-user": console(200, 302, "person"),
    "console-user-state": console(
        405, 302, "person", refused=("helpdesk",), data=(("to", "lock"),)
    ),
    "console-user-sessions": console(405, 302, "person"),
    "console-user-password": console(200, 200, "person"),
    "console-user-factors": console(200, 302, "person"),
    "console-user-act": console(404, 404, "person"),  # ACT_AS_USER is off
}
