"""Users."""

from typing import Final

from tests.console.matrixrows import AUDIT, Row, console

ADMINS: Final = AUDIT  # all but the helpdesk
TENANTS: Final = ("admin", "reseller", "admin of B")

ROWS: Final[dict[str, Row]] = {
    "console-users": console(200, 405),
    "console-user-add": console(200, 200),
    "console-users-bulk": console(405, 302),
    "console-users-removed": console(200, 405, may=ADMINS),
    "console-user-restore": console(405, 302, "tombstone", may=ADMINS),
    "console-user": console(200, 302, "person"),
    "console-user-addresses": console(200, 404, "person"),
    "console-user-devices": console(200, 404, "person"),
    "console-user-sharing": console(200, 404, "person"),
    "console-user-replies": console(200, 404, "person"),
    "console-user-limits": console(200, 302, "person", refused=("helpdesk", *TENANTS)),
    "console-user-activity": console(200, 405, "person"),
    "console-user-recover": console(200, 302, "person", may=ADMINS),
    "console-user-rename": console(200, 422, "person", may=ADMINS),
    "console-user-remove": console(200, 422, "person", may=ADMINS),
    "console-user-state": console(
        405, 302, "person", refused=("helpdesk",), data=(("to", "lock"),)
    ),
    "console-user-sessions": console(405, 302, "person"),
    "console-user-password": console(200, 200, "person"),
    "console-user-factors": console(200, 302, "person"),
    "console-user-act": console(404, 404, "person"),  # ACT_AS_USER is off
}
