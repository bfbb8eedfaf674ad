"""Webhooks."""

from django.urls import URLPattern, path

from apps.console.views import webhookacts, webhooks

urlpatterns: list[URLPattern] = [
    path("", webhooks.listing, name="console-webhooks"),
    path("add/", webhookacts.add, name="console-webhook-add"),
    path("<row:number>/", webhooks.page, name="console-webhook"),
    path("<row:number>/edit/", webhookacts.edit, name="console-webhook-edit"),
    path("<row:number>/test/", webhookacts.test, name="console-webhook-test"),
    path("<row:number>/switch/", webhookacts.switch, name="console-webhook-switch"),
    path("<row:number>/secret/", webhookacts.secret, name="console-webhook-secret"),
    path("<row:number>/remove/", webhookacts.remove, name="console-webhook-remove"),
    path("<row:number>/<row:second>/", webhooks.delivery, name="console-webhook-delivery"),
]
