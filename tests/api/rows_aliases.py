"""Aliases and groups."""

from typing import Final

from tests.api.matrixrows import Row

HELPDESK: Final = ("helpdesk",)
TARGETS: Final = {"targets": ["numbat@elsewhere.test"]}

ROWS: Final[dict[str, Row]] = {
    # In a domain of nobody's: what is said of one that is out of sight would name it.
    "api-aliases": Row(
        get=200, post=422, data={"POST": {"address": "numbat@numbat.test", **TARGETS}}
    ),
    "api-aliases-bulk": Row(post=415),
    "api-alias": Row(
        get=200,
        patch=200,
        delete=204,
        thing="alias",
        refused=HELPDESK,
        data={"PATCH": TARGETS},
    ),
    "api-alias-targets": Row(post=200, thing="alias", refused=HELPDESK, data={"POST": TARGETS}),
    "api-alias-target": Row(
        delete=404, thing="alias", second="numbat@elsewhere.test", refused=HELPDESK
    ),
}
