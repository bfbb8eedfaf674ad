"""Webhooks and what was sent to them."""

from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.problems import fields
from apps.api.webhooks import shown
from apps.api.webhooks.forms import (
    NewWebhookShown,
    WebhookChange,
    WebhookDeliveryDetails,
    WebhookDeliveryShown,
    WebhookDeliverySought,
    WebhookForm,
    WebhookSecretShown,
    WebhookShown,
    WebhookSought,
    WebhookTestShown,
)
from apps.directory.permissions import Ability
from apps.provisioning.administration import webhooks
from apps.provisioning.administration.sight import demand
from apps.runtime.keyset import Column, Order
from apps.webhooks import queries
from apps.webhooks.models import Endpoint

TAG: Final = "Webhooks"
ORDER: Final = Order(Column("id"))
NEWEST: Final = Order(Column("id", falls=True))
_FIELDS: Final = {"url": "/url", "types": "/types", "place": ""}
_SENT: Final = {
    "domain": 12,
    "url": "https://hooks.example.org/mail",
    "types": ["message.bounced", "user"],
    "description": "Billing",
}


class Webhooks(Door):
    """All of them that are in sight."""

    resource = "webhooks"

    @operation(
        "webhooks_list",
        "List webhooks",
        tag=TAG,
        seeks=WebhookSought,
        gives=Lists(WebhookShown, shown.WEBHOOK),
    )
    def get(self, request: Request) -> Response:
        demand(self.powers, Ability.RUN_WEBHOOKS)
        sought = self.sought(WebhookSought)
        found = queries.endpoints(self.powers)
        if "organization" in sought:
            named = sought["organization"]
            found = found.filter(Q(organization=named) | Q(domain__organization=named))
        if "domain" in sought:
            found = found.filter(domain=sought["domain"])
        if sought["is_enabled"] is not None:
            found = found.filter(is_enabled=sought["is_enabled"])
        return page(request, sought, found, ORDER, lambda rows: map(shown.webhook, rows))

    @operation(
        "webhooks_create",
        "Have events posted to a server",
        tag=TAG,
        more="Requests are signed as the Standard Webhooks specification has it, with the secret"
        " that this answer shows once. Neither an organisation nor a domain is the whole"
        " installation, which is for operators.",
        sends=Sends(WebhookForm, _SENT),
        gives=Gives(NewWebhookShown, {**shown.WEBHOOK, "secret": shown.SECRET}, status=201),
    )
    def post(self, request: Request) -> Response:
        asked: dict[str, Any] = dict(self.asked(WebhookForm).validated_data)
        organization, domain = asked.pop("organization", None), asked.pop("domain", None)
        place = "/domain" if domain is not None else "/organization"
        unknown = {f"domain {domain}": "/domain", f"organisation {organization}": "/organization"}
        with fields({**_FIELDS, **unknown, "place": place}):
            row, secret = webhooks.add(
                powers=self.powers, organization_id=organization, domain_id=domain, **asked
            )
        return self.made({**shown.webhook(row), "secret": secret}, _address(row))


def _address(row: Endpoint) -> str:
    return reverse("api-webhook", args=[row.pk])


class OneWebhook(Door):
    """One of them."""

    resource = "webhooks"
    matches = frozenset({"PATCH", "DELETE"})

    @operation("webhooks_show", "Show a webhook", tag=TAG, gives=Gives(WebhookShown, shown.WEBHOOK))
    def get(self, request: Request, webhook_id: int) -> Response:
        return self.shown(shown.webhook(webhooks.find(self.powers, webhook_id)))

    @operation(
        "webhooks_change",
        "Change a webhook",
        tag=TAG,
        more="Switched on again, or given another URL, it is as new: what was still waiting goes"
        " there first.",
        sends=Sends(WebhookChange, {"is_enabled": True}),
        gives=Gives(WebhookShown, shown.WEBHOOK),
    )
    def patch(self, request: Request, webhook_id: int) -> Response:
        asked = dict(self.asked(WebhookChange, partial=True).validated_data)
        with transaction.atomic(), fields(_FIELDS):
            self._unchanged(webhook_id)
            row = webhooks.change(powers=self.powers, endpoint_id=webhook_id, **asked)
        return self.shown(shown.webhook(row))

    @operation("webhooks_delete", "Remove a webhook with what was to be sent to it", tag=TAG)
    def delete(self, request: Request, webhook_id: int) -> Response:
        with transaction.atomic():
            self._unchanged(webhook_id)
            webhooks.remove(powers=self.powers, endpoint_id=webhook_id)
        return self.gone()

    def _unchanged(self, webhook_id: int) -> None:
        webhooks.find(self.powers, webhook_id)
        rows = Endpoint.objects.filter(pk=webhook_id)
        self.demand_unchanged(rows, lambda: shown.webhook(rows.get()))


class Secret(Door):
    """What a webhook signs with."""

    resource = "webhooks"

    @operation(
        "webhook_secret_renew",
        "Give a webhook another secret",
        tag=TAG,
        more="For a day requests carry two signatures, the second by the secret before.",
        gives=Gives(WebhookSecretShown, {"secret": shown.SECRET}),
    )
    def post(self, request: Request, webhook_id: int) -> Response:
        return Response(
            {"secret": webhooks.renew_secret(powers=self.powers, endpoint_id=webhook_id)}
        )


class Test(Door):
    """Whether a webhook works."""

    resource = "webhooks"
    is_idempotent = True

    @operation(
        "webhooks_test",
        "Post an event to a webhook that tells of nothing, and wait for the answer",
        tag=TAG,
        more="Of the type `webhook.test`, whatever types it asks for; ten seconds at the most. One"
        " that is not taken is tried again later as any other event.",
        gives=Gives(WebhookTestShown, shown.TESTED),
    )
    def post(self, request: Request, webhook_id: int) -> Response:
        return Response(shown.tested(webhooks.test(powers=self.powers, endpoint_id=webhook_id)))


class Deliveries(Door):
    """What was sent to a webhook, or is to be, for a week."""

    resource = "webhooks"

    @operation(
        "webhook_deliveries_list",
        "List what was sent to a webhook, the newest first",
        tag=TAG,
        seeks=WebhookDeliverySought,
        gives=Lists(WebhookDeliveryShown, shown.DELIVERY),
    )
    def get(self, request: Request, webhook_id: int) -> Response:
        found = queries.deliveries(webhooks.find(self.powers, webhook_id))
        sought = self.sought(WebhookDeliverySought)
        if "state" in sought:
            found = found.filter(state=sought["state"])
        return page(request, sought, found, NEWEST, lambda rows: map(shown.delivery, rows))


class OneDelivery(Door):
    """One of them."""

    resource = "webhooks"

    @operation(
        "webhook_deliveries_show",
        "Show a delivery with all attempts",
        tag=TAG,
        gives=Gives(WebhookDeliveryDetails, shown.DETAILS),
    )
    def get(self, request: Request, webhook_id: int, delivery_id: int) -> Response:
        return self.shown(
            shown.details(webhooks.find_delivery(self.powers, webhook_id, delivery_id))
        )


class Again(Door):
    """A delivery once more."""

    resource = "webhooks"

    @operation(
        "webhook_deliveries_resend",
        "Have an event sent to a webhook once more",
        tag=TAG,
        more="As if for the first time, with the id that it had.",
        gives=Gives(WebhookDeliveryShown, {**shown.DELIVERY, "attempts": 0}, status=202),
    )
    def post(self, request: Request, webhook_id: int, delivery_id: int) -> Response:
        row = webhooks.send_again(
            powers=self.powers, endpoint_id=webhook_id, delivery_id=delivery_id
        )
        return Response(shown.delivery(row), status=202)
