"""Domains."""

from typing import Final

from tests.api.matrixrows import ADMINISTRATORS, OPERATOR, Row

HELPDESK: Final = ("helpdesk",)
RESELLERS: Final = ("reseller", "operator in the organisation of A", "operator")
BELOW: Final = tuple(role for role in ADMINISTRATORS if role not in RESELLERS)
# In its domain an operator's token adds what stands for that domain.
ADDS_NONE: Final = tuple(role for role in BELOW if role != "operator in the domain of A")
NO_OPERATORS: Final = tuple(role for role in ADMINISTRATORS if role not in OPERATOR)

ROWS: Final[dict[str, Row]] = {
    "api-domains": Row(
        get=200, post=(201, 422), refused=ADDS_NONE, data={"POST": {"name": "numbat.test"}}
    ),
    "api-domains-bulk": Row(post=415),
    "api-domain": Row(
        get=200,
        patch=200,
        delete=(403, 409),
        thing="domain",
        refused=HELPDESK,
        data={"PATCH": {"greylists": True}},
    ),
    "api-domain-rename": Row(
        post=(200, 422), thing="domain", refused=BELOW, data={"POST": {"name": "bilby.test"}}
    ),
    "api-domain-copy": Row(
        post=422, thing="domain", refused=HELPDESK, data={"POST": {"domain": "nothing.test"}}
    ),
    "api-domain-dns": Row(
        get=200, patch=200, thing="domain", refused=HELPDESK, data={"PATCH": {"is_elsewhere": True}}
    ),
    "api-domain-dns-check": Row(post=202, thing="domain"),
    "api-domain-record": Row(
        patch=200,
        thing="domain",
        second="mx",
        refused=HELPDESK,
        data={"PATCH": {"is_left": True}},
    ),
    "api-domain-zone": Row(get=200, thing="domain"),
    "api-domain-keys": Row(get=200, post=(201, 409), delete=204, thing="domain", refused=HELPDESK),
    "api-domain-keys-activate": Row(
        post=200, thing="domain", refused=HELPDESK, data={"POST": {"force": True}}
    ),
    "api-domain-limits": Row(
        get=200,
        patch=200,
        thing="domain",
        refused=NO_OPERATORS,
        data={"PATCH": {"messages_per_day": 10}},
    ),
    "api-domain-smarthost": Row(
        get=404,
        put=200,
        delete=404,
        thing="domain",
        refused=NO_OPERATORS,
        data={"PUT": {"host": "192.0.2.7"}},
    ),
    "api-domain-relay": Row(
        get=404,
        put=200,
        delete=204,
        thing="domain",
        refused=NO_OPERATORS,
        data={"PUT": {"host": "192.0.2.7", "check": "any"}},
    ),
    "api-domains-usage": Row(get=200),
    "api-domain-usage": Row(get=200, thing="domain"),
    "api-domain-test": Row(
        post=202, thing="domain", refused=HELPDESK, data={"POST": {"to": "postmaster"}}
    ),
    "api-relay-recipients": Row(
        get=200,
        post=409,
        put=409,
        thing="domain",
        refused=HELPDESK,
        data={verb: {"recipients": ["numbat"]} for verb in ("POST", "PUT")},
    ),
    "api-relay-recipient": Row(delete=409, thing="domain", second="numbat", refused=HELPDESK),
}
