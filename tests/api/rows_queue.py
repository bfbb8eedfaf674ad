"""Mail that waits."""

from typing import Final

from tests.api.matrixrows import ADMINISTRATORS, Row

AUDIT: Final = tuple(role for role in ADMINISTRATORS if role != "helpdesk")
NO_OPERATORS: Final = tuple(role for role in AUDIT if role != "operator")
_NOBODYS: Final = "00000000000000000000000001"

ROWS: Final[dict[str, Row]] = {
    "api-queue": Row(get=200, may=AUDIT),
    "api-queue-message": Row(get=200, thing="queued", may=AUDIT),
    "api-queue-acts": Row(
        post=200, may=AUDIT, data={"POST": {"act": "delete", "messages": [_NOBODYS]}}
    ),
    "api-queue-undo": Row(post=200, may=AUDIT, data={"POST": {"undo": [_NOBODYS]}}),
    "api-queue-destinations": Row(get=200, may=AUDIT),
    "api-queue-destinations-acts": Row(
        post=200, may=AUDIT, refused=NO_OPERATORS, data={"POST": {"act": "resume"}}
    ),
}
