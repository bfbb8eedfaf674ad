"""Mail that is kept from its readers."""

from typing import Final

from tests.api.matrixrows import Row
from tests.api.rows_queue import AUDIT

ROWS: Final[dict[str, Row]] = {
    "api-quarantine": Row(get=200, may=AUDIT),
    "api-quarantine-message": Row(get=200, thing="held", may=AUDIT),
    "api-quarantine-look": Row(post=200, thing="held", may=AUDIT),
    "api-quarantine-acts": Row(
        post=200, may=AUDIT, data={"POST": {"act": "delete", "messages": [999_999]}}
    ),
}
