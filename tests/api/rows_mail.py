"""One's own mailboxes and messages, and letters that were sent."""

from typing import Final

from tests.api.matrixrows import ROLES, Row

_UIDS: Final = {"POST": {"uids": [77]}}
# The operator of the world has no mail here, and so no address to write from.
_ELSEWHERE: Final = tuple(role for role in ROLES if role.startswith("operator"))
_NOW: Final = {"PATCH": {"send_at": None}}

ROWS: Final[dict[str, Row]] = {
    "api-mailboxes": Row(get=200, post=201, is_own=True, data={"POST": {"name": "numbat"}}),
    "api-mailboxes-deleted": Row(get=200, is_own=True),
    "api-mailbox": Row(get=200, patch=200, delete=403, thing="mailbox", is_own=True),
    "api-mailbox-restore": Row(post=404, thing="mailbox", is_own=True),
    "api-messages-search": Row(get=400, is_own=True),
    "api-messages": Row(get=200, post=422, thing="mailbox", is_own=True),
    "api-messages-mark": Row(post=200, thing="mailbox", is_own=True, data=_UIDS),
    "api-messages-move": Row(
        post=422, thing="mailbox", is_own=True, data={"POST": {"uids": [77], "mailbox": 999_999}}
    ),
    "api-messages-copy": Row(
        post=422, thing="mailbox", is_own=True, data={"POST": {"uids": [77], "mailbox": 999_999}}
    ),
    "api-messages-delete": Row(post=200, thing="mailbox", is_own=True, data=_UIDS),
    "api-messages-deleted": Row(get=200, thing="mailbox", is_own=True),
    "api-messages-restore": Row(post=200, thing="mailbox", is_own=True, data=_UIDS),
    "api-message": Row(get=200, patch=200, delete=204, thing="mailbox", second="1", is_own=True),
    "api-message-raw": Row(get=(200, 404), thing="mailbox", second="1", is_own=True),
    "api-message-part": Row(get=(200, 404), thing="mailbox", second="1", is_own=True),
    "api-submissions": Row(
        get=200,
        post=201,
        is_own=True,
        refused=_ELSEWHERE,
        data={"POST": {"to": ["numbat@example.com"]}},
    ),
    "api-submissions-raw": Row(post=422, is_own=True),
    "api-submission": Row(get=200, patch=409, delete=204, thing="sent", is_own=True, data=_NOW),
    "api-account": Row(get=(200, 404), is_own=True),
    "api-account-vacation": Row(
        get=200, put=200, delete=204, is_own=True, data={"PUT": {"text": "numbat"}}
    ),
    "api-account-forwards": Row(get=200, post=422, is_own=True),
    "api-account-forward": Row(get=200, delete=204, thing="forward", is_own=True),
    "api-account-app-passwords": Row(
        get=200, post=201, is_own=True, data={"POST": {"name": "numbat"}}
    ),
    "api-account-app-password": Row(get=200, delete=204, thing="own app password", is_own=True),
}
