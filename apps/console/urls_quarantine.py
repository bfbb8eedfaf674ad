"""Quarantine."""

from django.urls import URLPattern, path

from apps.console.views import quarantinelist

urlpatterns: list[URLPattern] = [
    path("", quarantinelist.listing, name="console-quarantine"),
]
