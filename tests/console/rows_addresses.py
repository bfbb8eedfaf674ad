"""Aliases, groups and shared mailboxes."""

from typing import Final

from tests.console.matrixrows import AUDIT, Row, console

_WEAK: Final = ("helpdesk",)
_ME: Final = (("member", "nobody@nowhere.test"), ("level", "read"))

ROWS: Final[dict[str, Row]] = {
    "console-aliases": console(200, 405),
    "console-alias-add": console(200, 422, may=AUDIT, data=(("address", "x"),)),
    "console-aliases-bulk": console(405, 302, may=AUDIT, data=(("act", "remove"),)),
    "console-alias": console(200, 405, "alias"),
    "console-alias-targets": console(
        405, 302, "alias", refused=_WEAK, data=(("do", "add"), ("targets", "x@far.test"))
    ),
    "console-alias-state": console(405, 302, "alias", refused=_WEAK, data=(("to", "suspend"),)),
    "console-alias-remove": console(405, 302, "alias", refused=_WEAK),
    "console-route": console(200, 405),
    "console-shared": console(200, 405),
    "console-shared-add": console(200, 422, data=(("address", "x"),)),
    "console-shared-box": console(200, 302, "shared", data=(("name", "Team"), ("space", "1"))),
    "console-shared-member": console(405, 422, "shared", refused=_WEAK, data=_ME),
    "console-shared-leave": console(
        405, 409, "shared", refused=_WEAK, data=(("member", "999999"),)
    ),
    "console-shared-remove": console(200, 422, "shared", may=AUDIT, data=(("typed", "something"),)),
}
