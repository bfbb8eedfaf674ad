"""The audit log, and how the installation stands."""

from typing import Final

from tests.api.matrixrows import OPERATOR, Row
from tests.api.rows_queue import AUDIT

ROWS: Final[dict[str, Row]] = {
    "api-audit": Row(get=200, may=AUDIT),
    "api-audit-record": Row(get=(200, 404), may=AUDIT),
    "api-health": Row(get=200, may=OPERATOR),
    "api-health-figures": Row(get=200, may=OPERATOR),
    "api-health-flow": Row(get=200),
}
