"""Organisations."""

from typing import Final

from tests.console.matrixrows import Row, console

SEE: Final = ("reseller", "operator")
RUN: Final = ("operator",)

ROWS: Final[dict[str, Row]] = {
    "console-organizations": console(200, 405, may=SEE),
    "console-organization-add": console(200, 422, may=RUN),
    "console-organization": console(
        200,
        (302, 422),  # the other organisation cannot have the name that is posted
        "organization",
        may=SEE,
        refused=("reseller",),
        data=(("name", "wombat Limited"),),
    ),
    "console-organization-sending": console(405, 302, "organization", may=RUN),
    "console-organization-state": console(
        200, 302, "organization", may=RUN, data=(("to", "lock"),)
    ),
    "console-organization-remove": console(200, 422, "organization", may=RUN),
    "console-organization-roles": console(200, 405, "organization", may=SEE),
}
