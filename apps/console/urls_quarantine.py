"""Quarantine."""

from django.urls import URLPattern, path

from apps.console.views import quarantinelist, quarantinemessage

urlpatterns: list[URLPattern] = [
    path("", quarantinelist.listing, name="console-quarantine"),
    path("bulk/", quarantinelist.bulk, name="console-quarantine-bulk"),
    path("<row:number>/", quarantinemessage.message, name="console-quarantine-message"),
    path("<row:number>/look/", quarantinemessage.look, name="console-quarantine-look"),
    path("<row:number>/act/", quarantinemessage.act, name="console-quarantine-act"),
]
