"""Policies."""

from typing import Any, Final

from tests.api.matrixrows import OPERATOR, Row
from tests.api.rows_queue import AUDIT

NO_OPERATORS: Final = tuple(role for role in AUDIT if role != "operator")
_FILTER: Final[dict[str, Any]] = {"PATCH": {"junk": 7}}
_FILE: Final[dict[str, Any]] = {"PUT": {"what": "ending", "value": "exe", "action": "refuse"}}
_SENDERS: Final[dict[str, Any]] = {"POST": {"verb": "block", "senders": ["elsewhere.test"]}}

# What is taken back stands behind "?": without it that is no request, if it is not refused before.
ROWS: Final[dict[str, Row]] = {
    "api-policies-filter": Row(get=200, patch=200, may=AUDIT, refused=NO_OPERATORS, data=_FILTER),
    "api-policies-domain-filter": Row(get=200, patch=200, thing="domain", may=AUDIT, data=_FILTER),
    "api-policies-user-filter": Row(get=200, patch=200, thing="person", may=AUDIT, data=_FILTER),
    "api-policies-files": Row(get=200, put=200, delete=400, may=OPERATOR, data=_FILE),
    "api-policies-domain-files": Row(
        get=200, put=200, delete=400, thing="domain", may=AUDIT, data=_FILE
    ),
    "api-policies-senders": Row(get=200, post=200, delete=400, may=OPERATOR, data=_SENDERS),
    "api-policies-domain-senders": Row(
        get=200, post=200, delete=400, thing="domain", may=AUDIT, data=_SENDERS
    ),
    "api-policies-rules": Row(get=200, may=OPERATOR),
    "api-policies-rule": Row(put=404, delete=404, may=OPERATOR, data={"PUT": {"points": 1}}),
    "api-policies-tls": Row(
        get=200,
        put=200,
        delete=400,
        may=OPERATOR,
        data={"PUT": {"domain": "elsewhere.test", "mode": "encrypt"}},
    ),
    "api-policies-transports": Row(
        get=200,
        put=200,
        delete=400,
        may=OPERATOR,
        data={"PUT": {"scope": "recipient", "domain": "elsewhere.test", "host": "192.0.2.7"}},
    ),
    "api-policies-route": Row(get=400),
}
