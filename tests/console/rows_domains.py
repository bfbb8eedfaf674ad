"""Domains."""

from typing import Final

from tests.console.matrixrows import AUDIT, Row, console

_MAY_ADD: Final = ("reseller", "operator")  # administrators of a domain change what they have
_WEAK: Final = ("helpdesk",)
_SMALL: Final = ("helpdesk", "admin", "admin of B")
_NOT_OPERATORS: Final = (*_SMALL, "reseller")


def _act(*, refused: tuple[str, ...] = _WEAK, **data: str) -> Row:
    return console(405, 302, "domain", refused=refused, data=tuple(data.items()))


ROWS: Final[dict[str, Row]] = {
    "console-domains": console(200, 405),
    "console-domains-bulk": console(405, 302, data=(("act", "resume"),)),
    "console-domain-add": console(200, (200, 422), may=_MAY_ADD),
    "console-domain": console(200, 405, "domain"),
    "console-domain-check": console(405, 302, "domain"),
    "console-domain-elsewhere": _act(is_elsewhere="1"),
    "console-domain-leave": _act(record="spf", is_left="1"),
    "console-domain-zone": console(200, 405, "domain"),
    "console-domain-records": console(200, 405, "domain"),
    "console-domain-users": console(200, 405, "domain"),
    "console-domain-sending": console(200, 405, "domain"),
    "console-domain-rotate": _act(),
    "console-domain-activate": _act(),
    "console-domain-discard": _act(),
    "console-domain-limits": _act(refused=_NOT_OPERATORS, messages_per_day="9"),
    "console-domain-sts": _act(mode="testing"),
    "console-domain-smarthost": console(
        405, (302, 422), "domain", refused=_NOT_OPERATORS, data=(("act", "remove"),)
    ),
    "console-domain-relay": console(
        405, (302, 422), "domain", refused=_NOT_OPERATORS, data=(("act", "remove"),)
    ),
    "console-domain-policies": console(
        200, 422, "domain", may=AUDIT, data=(("dmarc_policy", "never"),)
    ),
    "console-domain-reports": console(200, 405, "domain", may=AUDIT),
    "console-domain-state": _act(refused=_SMALL, to="lock"),
    "console-domain-test": console(200, 422, "domain", may=AUDIT, data=(("to", "nobody"),)),
    "console-domain-rename": console(200, 422, "domain", may=_MAY_ADD, data=(("name", "x"),)),
    "console-domain-copy": console(200, 422, "domain", may=AUDIT, data=(("source", "no.test"),)),
    "console-domain-remove": console(200, 422, "domain", may=_MAY_ADD, data=(("name", "x"),)),
}
