"""Senders who are allowed or blocked."""

from typing import Any, Final

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.moments import of_seconds
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.policies.filtering import TAG
from apps.api.policies.forms import (
    ListedSenderShown,
    SendersAdded,
    SendersForm,
    SenderSought,
    SendersSought,
)
from apps.api.policies.places import PlaceDoor
from apps.api.problems import Fault, Wrong
from apps.mime.headers import printable
from apps.provisioning.administration import lists
from apps.provisioning.administration.lists import WrongLines
from apps.runtime.keyset import Column, Order
from apps.scan.models import ListEntry, Verb
from apps.wire.errors import NotFound

ORDER: Final = Order(Column("value", str))
_SENDER: Final = {
    "value": "lottery.example",
    "verb": "block",
    "kind": "domain",
    "note": "",
    "created_at": "2026-11-28T10:00:00Z",
}
_SENDS: Final = Sends(SendersForm, {"verb": "block", "senders": ["lottery.example"]})
_ADDED: Final = Gives(
    SendersAdded, {"items": [{"value": "lottery.example", "verb": "block", "replaced": None}]}
)
_MORE: Final = (
    "All of them or none; what was said of the same sender before is replaced. A user's own entries"
    " count before the domain's, these before the installation's."
)


def _shown(row: ListEntry) -> dict[str, Any]:
    values = {
        "value": row.value,
        "verb": row.verb,
        "kind": row.kind,
        "note": printable(row.note),
        "created_at": of_seconds(row.created_at),
    }
    return dict(ListedSenderShown(values).data)


class _Senders(PlaceDoor):
    def listed(self, domain_id: int | None = None) -> Response:
        self.demand_place(domain_id)
        sought = self.sought(SendersSought)
        found = ListEntry.objects.filter(domain=domain_id, user=None)
        if "verb" in sought:
            found = found.filter(verb=sought["verb"])
        if "text" in sought:
            text = sought["text"]
            found = found.filter(Q(value__contains=text.casefold()) | Q(note__icontains=text))
        return page(self.request, sought, found, ORDER, lambda rows: [_shown(row) for row in rows])

    def added(self, domain_id: int | None = None) -> Response:
        self.demand_place(domain_id)
        asked = self.asked(SendersForm).validated_data
        try:
            found = lists.add(
                powers=self.powers,
                domain_id=domain_id,
                verb=Verb(asked["verb"]),
                senders=asked["senders"],
                note=asked["note"],
            )
        except WrongLines as error:
            raise Wrong(
                *(Fault(f"/senders/{one.line - 1}", "invalid_name", one.why) for one in error.wrong)
            ) from None
        return Response(dict(SendersAdded({"items": found}).data))

    def removed(self, domain_id: int | None = None) -> Response:
        self.demand_place(domain_id)
        sender = self.sought(SenderSought)["sender"]
        if not lists.remove(powers=self.powers, domain_id=domain_id, senders=[sender]):
            raise NotFound("sender", text="This sender is not in that list")
        return self.gone()


class Senders(_Senders):
    """Of the whole installation."""

    @operation(
        "policies_senders_list",
        "List senders who are allowed or blocked in all domains",
        tag=TAG,
        more="For operators.",
        seeks=SendersSought,
        gives=Lists(ListedSenderShown, _SENDER),
    )
    def get(self, request: Request) -> Response:
        return self.listed()

    @operation(
        "policies_senders_add",
        "Allow or block senders in all domains",
        tag=TAG,
        more=_MORE,
        sends=_SENDS,
        gives=_ADDED,
    )
    def post(self, request: Request) -> Response:
        return self.added()

    @operation(
        "policies_senders_remove",
        "Say no more of a sender in all domains",
        tag=TAG,
        seeks=SenderSought,
    )
    def delete(self, request: Request) -> Response:
        return self.removed()


class DomainSenders(_Senders):
    """Of a domain."""

    @operation(
        "policies_domain_senders_list",
        "List senders who are allowed or blocked in a domain",
        tag=TAG,
        seeks=SendersSought,
        gives=Lists(ListedSenderShown, _SENDER),
    )
    def get(self, request: Request, domain_id: int) -> Response:
        return self.listed(domain_id)

    @operation(
        "policies_domain_senders_add",
        "Allow or block senders in a domain",
        tag=TAG,
        more=_MORE,
        sends=_SENDS,
        gives=_ADDED,
    )
    def post(self, request: Request, domain_id: int) -> Response:
        return self.added(domain_id)

    @operation(
        "policies_domain_senders_remove",
        "Say no more of a sender in a domain",
        tag=TAG,
        seeks=SenderSought,
    )
    def delete(self, request: Request, domain_id: int) -> Response:
        return self.removed(domain_id)
