"""The audit log, as far as one's powers reach."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.audit.forms import ActShown, AuditSought
from apps.api.doors import Door
from apps.api.operations import Gives, Lists, operation
from apps.api.pages import answer, no_cursor
from apps.audit import queries
from apps.audit.queries import Row, Wanted
from apps.directory.permissions import Ability, audit_scope
from apps.provisioning.administration.sight import demand
from apps.wire.errors import NotFound
from apps.wire.numbers import whole_number

TAG: Final = "Audit log"
EXAMPLE: Final = {
    "id": 512,
    "at": "2026-11-28T10:00:00Z",
    "kind": "user",
    "actor": "olga@example.org",
    "acting_for": "",
    "door": "api",
    "token": "Sign-up page",
    "address": "192.0.2.7",
    "action": "user.suspend",
    "subject": "bob@example.org",
    "sentence": "suspended the user bob@example.org",
    "detail": {},
}


def shown(row: Row) -> dict[str, Any]:
    """An act as it is shown."""
    return dict(ActShown(row).data)


class Log(Door):
    """What was done."""

    resource = "audit"

    @operation(
        "audit_list",
        "List what administrators did",
        tag=TAG,
        more="The newest first. A search for words looks through so much at a time: a page may"
        " have few acts, or none, and a `next` all the same, which goes on further back.",
        seeks=AuditSought,
        gives=Lists(ActShown, EXAMPLE),
    )
    def get(self, request: Request) -> Response:
        demand(self.powers, Ability.READ_AUDIT)
        sought = self.sought(AuditSought)
        found = queries.page(
            _wanted(sought),
            scope=audit_scope(self.powers),
            before=_before(sought.get("cursor", "")),
            limit=sought["limit"],
        )
        return answer(request, [shown(row) for row in found.rows], str(found.after or ""))


def _before(cursor: str) -> int | None:
    if not cursor:
        return None
    found = whole_number(cursor)
    if found is None:
        raise no_cursor()
    return found


def _wanted(sought: dict[str, Any]) -> Wanted:
    return Wanted(
        actor=sought.get("actor", ""),
        action=sought.get("action", ""),
        subject=sought.get("subject", ""),
        text=sought.get("text", ""),
        users=[sought["user"]] if "user" in sought else None,
        domain_id=sought.get("domain"),
        organization_id=sought.get("organization"),
        since=sought.get("since"),
        until=sought.get("until"),
    )


class OneAct(Door):
    """One act."""

    resource = "audit"

    @operation("audit_show", "Show an act", tag=TAG, gives=Gives(ActShown, EXAMPLE))
    def get(self, request: Request, record_id: int) -> Response:
        demand(self.powers, Ability.READ_AUDIT)
        found = queries.page(scope=audit_scope(self.powers), before=record_id + 1, limit=1)
        if not found.rows or found.rows[0].id != record_id:
            raise NotFound(f"record {record_id}", text="There is no such record")
        return self.shown(shown(found.rows[0]))
