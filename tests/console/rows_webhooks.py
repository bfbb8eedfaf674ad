"""Webhooks."""

from typing import Final

from tests.console.matrixrows import AUDIT, Row, console

ROWS: Final[dict[str, Row]] = {
    "console-webhooks": console(200, 405, may=AUDIT),
    "console-webhook-add": console(200, 422, may=AUDIT),
    "console-webhook": console(200, 405, "webhook", may=AUDIT),
    "console-webhook-edit": console(200, 422, "webhook", may=AUDIT),
    "console-webhook-test": console(405, 302, "webhook", may=AUDIT),
    "console-webhook-switch": console(405, 302, "webhook", may=AUDIT),
    "console-webhook-secret": console(200, 200, "webhook", may=AUDIT),
    "console-webhook-remove": console(200, 302, "webhook", may=AUDIT),
    "console-webhook-delivery": console(404, 404, "webhook", may=AUDIT),
}
