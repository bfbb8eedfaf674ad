"""Which addresses the server behind a relay domain has, where they are listed here."""

from typing import Final

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.domains.shown import TAG
from apps.api.domains.views import DomainDoor
from apps.api.forms import Form, Shown, Sought, Text
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.problems import about
from apps.directory.models import RelayRecipient
from apps.provisioning.administration import servers
from apps.provisioning.administration.sight import find_domain
from apps.runtime.keyset import Column, Order
from apps.wire.errors import InvalidAddress

MOST: Final = 10_000  # addresses of a request
ORDER: Final = Order(Column("pk"))
_MORE: Final = "Of a relay domain whose `check` is `list`; any other is answered with 409."


class RecipientsForm(Form):
    """Addresses that the server behind the domain has."""

    recipients = serializers.ListField(
        child=Text(max_length=320),
        max_length=MOST,
        help_text="In the domain; without an @ they are the part before it.",
    )


class RecipientShown(Shown):
    """An address that the server behind the domain has."""

    address = serializers.CharField()


class RecipientsChanged(Shown):
    """What came of it."""

    added = serializers.IntegerField()
    removed = serializers.IntegerField()


_SENDS: Final = Sends(RecipientsForm, {"recipients": ["alice@example.org", "bob"]})


class Recipients(DomainDoor):
    """All of them."""

    @operation(
        "relay_recipients_list",
        "List the addresses that the server behind a relay domain has",
        tag=TAG,
        more="In the order in which they were added.",
        seeks=Sought,
        gives=Lists(RecipientShown, {"address": "alice@example.org"}),
    )
    def get(self, request: Request, domain_id: int) -> Response:
        sought = self.sought(Sought)
        found = RelayRecipient.objects.filter(domain=find_domain(self.powers, domain_id))
        return page(
            request, sought, found, ORDER, lambda rows: [{"address": row.key} for row in rows]
        )

    @operation(
        "relay_recipients_add",
        "Name addresses that the server behind a relay domain has",
        tag=TAG,
        more=_MORE,
        sends=_SENDS,
        gives=Gives(RecipientsChanged, {"added": 2, "removed": 0}),
    )
    def post(self, request: Request, domain_id: int) -> Response:
        asked = self.asked(RecipientsForm).validated_data
        with about("/recipients", InvalidAddress):
            added = servers.add_recipients(powers=self.powers, domain_id=domain_id, **asked)
        return self.shown({"added": added, "removed": 0})

    @operation(
        "relay_recipients_set",
        "Say all addresses that the server behind a relay domain has",
        tag=TAG,
        more=f"Those that are not among them are taken off the list. {_MORE}",
        sends=_SENDS,
        gives=Gives(RecipientsChanged, {"added": 2, "removed": 1}),
    )
    def put(self, request: Request, domain_id: int) -> Response:
        asked = self.asked(RecipientsForm).validated_data
        with about("/recipients", InvalidAddress):
            added, removed = servers.replace_recipients(
                powers=self.powers, domain_id=domain_id, **asked
            )
        return self.shown({"added": added, "removed": removed})


class OneRecipient(DomainDoor):
    """One of them."""

    @operation(
        "relay_recipients_remove",
        "Take an address off the list of a relay domain",
        tag=TAG,
        more=_MORE,
    )
    def delete(self, request: Request, domain_id: int, address: str) -> Response:
        servers.remove_recipient(powers=self.powers, domain_id=domain_id, recipient=address)
        return self.gone()
