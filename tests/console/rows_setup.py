"""The first run: for operators alone."""

from typing import Final

from tests.console.matrixrows import Row, console

_OPERATOR: Final = ("operator",)

ROWS: Final[dict[str, Row]] = {
    "console-setup": console(302, 405, may=_OPERATOR),
    "console-setup-domain": console(200, 302, may=_OPERATOR),
    "console-setup-dns": console(200, 302, may=_OPERATOR),
    "console-setup-message": console(200, 302, may=_OPERATOR),
    "console-setup-done": console(200, 405, may=_OPERATOR),
}
