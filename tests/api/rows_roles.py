"""Roles."""

from typing import Final

from tests.api.matrixrows import ADMINISTRATORS, Row

MAKERS: Final = tuple(role for role in ADMINISTRATORS if role != "helpdesk")

ROWS: Final[dict[str, Row]] = {
    # For nobody: what is said of who is out of sight would name them.
    "api-roles": Row(
        get=200,
        post=422,
        data={"POST": {"address": "x@numbat.test", "role": "helpdesk", "domain": 999_999}},
    ),
    "api-role": Row(get=200, delete=204, thing="grant", may=MAKERS),
}
