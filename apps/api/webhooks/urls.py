"""Addresses of webhooks and events."""

from django.urls import path

from apps.api.webhooks.events import Events
from apps.api.webhooks.views import (
    Again,
    Deliveries,
    OneDelivery,
    OneWebhook,
    Secret,
    Test,
    Webhooks,
)

_ONE = "webhooks/<int:webhook_id>"

urlpatterns = [
    path("webhooks", Webhooks.as_view(), name="api-webhooks"),
    path(_ONE, OneWebhook.as_view(), name="api-webhook"),
    path(f"{_ONE}/secret", Secret.as_view(), name="api-webhook-secret"),
    path(f"{_ONE}/test", Test.as_view(), name="api-webhook-test"),
    path(f"{_ONE}/deliveries", Deliveries.as_view(), name="api-webhook-deliveries"),
    path(
        f"{_ONE}/deliveries/<int:delivery_id>", OneDelivery.as_view(), name="api-webhook-delivery"
    ),
    path(f"{_ONE}/deliveries/<int:delivery_id>/again", Again.as_view(), name="api-webhook-again"),
    path("events", Events.as_view(), name="api-events"),
]
