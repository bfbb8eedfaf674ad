"""Policies."""

from typing import Final

from tests.console.matrixrows import AUDIT, Row, console

OPERATOR: Final = ("operator",)
TENANTS: Final = ("admin", "reseller", "admin of B")

ROWS: Final[dict[str, Row]] = {
    "console-policies": console(
        200, 200, may=AUDIT, refused=TENANTS, data=(("junk", "6"), ("refuse", "12"))
    ),
    "console-policies-domain": console(200, 200, "domain", may=AUDIT, data=(("junk", "7"),)),
    "console-policies-user": console(200, 200, "person", may=AUDIT, data=(("junk", "7"),)),
    "console-policies-lists": console(200, 422, may=OPERATOR),
    "console-policies-lists-export": console(200, 405, may=OPERATOR),
    "console-policies-domain-lists": console(
        200,
        302,
        "domain",
        may=AUDIT,
        data=(("verb", "block"), ("senders", "spammer@elsewhere.test")),
    ),
    "console-policies-domain-lists-export": console(200, 405, "domain", may=AUDIT),
    "console-policies-files": console(200, 302, may=OPERATOR),
    "console-policies-domain-files": console(
        200, 302, "domain", may=AUDIT, data=(("group-program", "refuse"),)
    ),
    "console-policies-rules": console(200, 404, may=OPERATOR),
    "console-policies-tls": console(
        200, 302, may=OPERATOR, data=(("domain", "elsewhere.test"), ("mode", "encrypt"))
    ),
    "console-policies-transports": console(200, 404, may=OPERATOR),
}
