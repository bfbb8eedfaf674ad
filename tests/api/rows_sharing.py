"""Shared mailboxes and delegations."""

from typing import Final

from tests.api.matrixrows import Row

HELPDESK: Final = ("helpdesk",)

ROWS: Final[dict[str, Row]] = {
    "api-shared-mailboxes": Row(get=200, post=422, data={"POST": {"address": "team@nothing.test"}}),
    "api-members": Row(
        get=200,
        post=422,
        thing="shared",
        refused=HELPDESK,
        data={"POST": {"member": "nobody@nothing.test", "level": "read"}},
    ),
    "api-members-anyone": Row(delete=404, thing="shared", refused=HELPDESK),
    "api-member": Row(delete=404, thing="shared", second="999999", refused=HELPDESK),
    "api-shared-mailbox": Row(
        get=200,
        patch=200,
        delete=(403, 204),
        thing="shared",
        refused=HELPDESK,
        data={"PATCH": {"quota": 1_000_000}},
    ),
    "api-user-sharing": Row(get=200, thing="person"),
    "api-user-delegates": Row(
        post=422,
        thing="person",
        refused=HELPDESK,
        data={"POST": {"delegate": "nobody@nothing.test", "sending": "as"}},
    ),
    "api-user-delegate": Row(delete=404, thing="person", second="999999", refused=HELPDESK),
    "api-user-shares": Row(delete=400, thing="person", refused=HELPDESK),
}
