"""Tokens of one's own."""

from typing import Final

from tests.api.matrixrows import Row

ROWS: Final[dict[str, Row]] = {
    "api-tokens": Row(
        get=200,
        post=201,
        is_own=True,
        refused=("operator in the domain of A", "operator in the organisation of A"),
        data={"POST": {"name": "numbat", "scopes": ["mail:read"]}},
    ),
    "api-token": Row(get=200, delete=204, thing="token", is_own=True),
}
