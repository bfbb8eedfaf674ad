"""What domains hold, and whether mail for them arrives."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.domains.forms import DomainSought, DomainUsage, TrialForm, TrialShown
from apps.api.domains.shown import TAG
from apps.api.domains.views import ORDER, DomainDoor, chosen
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.problems import about
from apps.directory.models import Domain
from apps.provisioning import holdings
from apps.provisioning.administration import deliverytests
from apps.provisioning.administration.sight import find_domain
from apps.provisioning.holdings import Held
from apps.runtime.ulid import ulid_text
from apps.wire.errors import InUse, InvalidAddress, NotFound

_USAGE: Final = {
    "id": 12,
    "name": "example.org",
    "users": 24,
    "aliases": 9,
    "alias_domains": 1,
    "promised": 120_000_000_000,
    "used": 38_118_402_771,
    "messages": 391_004,
}
_TRIAL: Final = {
    "to": "alice@example.org",
    "trace": "01KB4XQ3D8M6N0V2T7ZJHRYW5C",
    "sent_at": "2026-11-28T10:00:00Z",
}


def shown(rows: Sequence[Domain]) -> list[dict[str, Any]]:
    """What they hold at this moment; three statements for all of them."""
    ids = [row.pk for row in rows]
    held, aliases = holdings.of_domains(ids), holdings.aliases_of(ids)
    return [_one(row, held[row.pk], aliases.get(row.pk, 0)) for row in rows]


def _one(row: Domain, held: Held, aliases: int) -> dict[str, Any]:
    values = {
        "id": row.pk,
        "name": row.name,
        "users": held.users,
        "aliases": aliases,
        "alias_domains": held.domains,
        "promised": held.given,
        "used": held.used,
        "messages": held.messages,
    }
    return dict(DomainUsage(values).data)


class Usages(DomainDoor):
    """Of all that are in sight."""

    @operation(
        "domains_usage",
        "List what domains hold",
        tag=TAG,
        more="Counted at this moment, in the order of their names; for invoices, say.",
        seeks=DomainSought,
        gives=Lists(DomainUsage, _USAGE),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(DomainSought)
        return page(request, sought, chosen(self.powers, sought), ORDER, shown)


class Usage(DomainDoor):
    """Of one."""

    @operation(
        "domain_usage_show",
        "Show what a domain holds",
        tag=TAG,
        gives=Gives(DomainUsage, _USAGE),
    )
    def get(self, request: Request, domain_id: int) -> Response:
        return self.shown(shown([find_domain(self.powers, domain_id)])[0])


class Trial(DomainDoor):
    """A letter that shows whether mail arrives."""

    @operation(
        "domain_test_send",
        "Have a letter sent, to see whether mail arrives",
        tag=TAG,
        more="It goes the way of all mail, through queue and filter, to a mailbox of the domain or"
        " to the own one. What became of it is at `/traces/{trace}`.",
        sends=Sends(TrialForm, {"to": "alice"}),
        gives=Gives(TrialShown, _TRIAL, status=202),
    )
    def post(self, request: Request, domain_id: int) -> Response:
        asked = self.asked(TrialForm).validated_data
        find_domain(self.powers, domain_id)
        with about("/to", InvalidAddress, NotFound, InUse):
            sent = deliverytests.send(powers=self.powers, domain_id=domain_id, to=asked["to"])
        values = {
            "to": sent.to,
            "trace": ulid_text(sent.trace_id),
            "sent_at": datetime.fromtimestamp(sent.at_us / 1_000_000, UTC),
        }
        return self.shown(dict(TrialShown(values).data), 202)
