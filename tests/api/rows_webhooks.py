"""Webhooks and events."""

from typing import Final

from tests.api.matrixrows import Row

_MAY: Final = (
    "admin",
    "reseller",
    "admin of B",
    "operator",
    "operator in the domain of A",
    "operator in the organisation of A",
)


def _one(**more: object) -> Row:
    return Row(thing="webhook", may=_MAY, **more)  # type: ignore[arg-type]


ROWS: Final[dict[str, Row]] = {
    # The whole installation is an operator's; with a domain, tests/api/test_webhooks.py.
    "api-webhooks": Row(
        get=200,
        post=(201, 403),
        may=_MAY,
        data={"POST": {"url": "https://numbat.example.org/"}},
    ),
    "api-webhook": _one(get=200, patch=200, delete=204, data={"PATCH": {"description": "numbat"}}),
    "api-webhook-secret": _one(post=200),
    "api-webhook-test": _one(post=200),
    "api-webhook-deliveries": _one(get=200),
    "api-webhook-delivery": _one(get=404, second="999999"),
    "api-webhook-again": _one(post=404, second="999999"),
    "api-events": Row(get=200, may=_MAY),
}
