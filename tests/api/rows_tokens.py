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
    # Whoever is not a registered program is none, with a token of ours too.
    "api-oauth-token": Row(post=401, is_public=True),
    "api-oauth-revoke": Row(post=401, is_public=True),
    "api-oauth-metadata": Row(get=200, is_public=True),
    "api-token": Row(get=200, delete=204, thing="token", is_own=True),
}
