"""Organisations."""

from typing import Final

from tests.api.matrixrows import ADMINISTRATORS, Row

# Nobody below a reseller sees an organisation; operators alone change one.
BELOW: Final = ("helpdesk", "admin", "admin of B", "operator in the domain of A")
RESELLERS: Final = ("reseller", "operator in the organisation of A")

ROWS: Final[dict[str, Row]] = {
    "api-organizations": Row(
        get=200,
        post=201,
        refused=tuple(role for role in ADMINISTRATORS if role != "operator"),
        data={"POST": {"name": "Numbat Limited"}},
    ),
    "api-organization": Row(
        get=200,
        patch=200,
        delete=409,
        thing="organization",
        may=(*RESELLERS, "operator"),
        refused=RESELLERS,
        data={"PATCH": {"max_users": 50}},
    ),
    "api-organizations-usage": Row(get=200),
    "api-organization-usage": Row(
        get=200, thing="organization", may=(*RESELLERS, "operator"), refused=RESELLERS
    ),
    "api-organization-limits": Row(
        get=200,
        patch=200,
        thing="organization",
        may=(*RESELLERS, "operator"),
        refused=RESELLERS,
        data={"PATCH": {"messages_per_day": 10}},
    ),
}
