"""Roles."""

from typing import Final

from tests.api.matrixrows import ADMINISTRATORS, Row

MAKERS: Final = tuple(role for role in ADMINISTRATORS if role != "helpdesk")

ROWS: Final[dict[str, Row]] = {
    "api-roles": Row(
        get=200,
        post=(201, 422),
        refused=("helpdesk",),
        data={
            "POST": {
                "address": "user-wombat@wombat.test",
                "role": "helpdesk",
                "domain": "wombat.test",
            }
        },
    ),
    "api-role": Row(get=200, delete=204, thing="grant", may=MAKERS),
}
