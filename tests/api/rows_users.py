"""Users."""

from typing import Final

from tests.api.matrixrows import ADMINISTRATORS, Row

HELPDESK: Final = ("helpdesk",)
OPERATORS: Final = ("operator",)
NO_HELPDESK: Final = tuple(role for role in ADMINISTRATORS if role not in HELPDESK)
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
    # The helpdesk of A may reset passwords and sign users out; one of the roles may not see B.
    "api-user-password": Row(post=200, thing="spare"),
    "api-user-password-link": Row(post=200, thing="person"),
    "api-user-factors": Row(get=200, delete=204, thing="person"),
    "api-user-sessions": Row(get=200, delete=204, thing="person"),
    "api-user-sign-ins": Row(get=200, thing="person"),
    "api-user-app-passwords": Row(get=200, thing="person"),
    "api-user-app-password": Row(delete=404, thing="person", second="999999"),
    "api-user-tokens": Row(get=200, thing="person"),
    "api-user-mail-token": Row(delete=404, thing="person", second="999999"),
    "api-user-api-token": Row(delete=404, thing="person", second="999999"),
    # A helpdesk is not shown what it may not change.
    "api-user-vacation": Row(
        get=(200, 403),
        put=200,
        delete=204,
        thing="person",
        refused=HELPDESK,
        data={"PUT": {"text": "I am away."}},
    ),
    "api-user-forwards": Row(get=(200, 403), thing="person"),
    "api-user-forward": Row(delete=404, thing="person", second="999999", refused=HELPDESK),
    "api-usages": Row(get=200),
    "api-user-usage": Row(get=200, thing="person"),
    "api-user-limits": Row(
        get=200,
        patch=200,
        thing="person",
        refused=NO_OPERATORS,
        data={"PATCH": {"messages_per_day": 10}},
    ),
    "api-user-deleted-mail": Row(
        get=400,
        post=200,
        thing="person",
        refused=HELPDESK,
        data={"POST": {"since": "2026-01-01T00:00:00Z"}},
    ),
    "api-removed-users": Row(get=200, may=NO_HELPDESK),
    "api-removed-user": Row(get=200, thing="tombstone", may=NO_HELPDESK),
    "api-removed-user-restore": Row(post=201, thing="tombstone", may=NO_HELPDESK),
}
