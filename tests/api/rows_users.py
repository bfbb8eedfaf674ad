"""Users."""

from typing import Final

from tests.api.matrixrows import ADMINISTRATORS, Row

HELPDESK: Final = ("helpdesk",)
OPERATORS: Final = ("operator",)
NO_OPERATORS: Final = tuple(role for role in ADMINISTRATORS if role not in OPERATORS)

ROWS: Final[dict[str, Row]] = {
    # Who administers another domain does not see this one's.
    "api-users": Row(get=200, post=422, data={"POST": {"address": "numbat@nothing.test"}}),
    "api-user": Row(
        get=200,
        patch=200,
        delete=204,
        thing="spare",
        refused=HELPDESK,
        data={"PATCH": {"quota": 1_000_000}},
    ),
    "api-users-bulk": Row(post=415),
    "api-user-rename": Row(
        post=422, thing="person", refused=HELPDESK, data={"POST": {"address": "a@nothing.test"}}
    ),
}
