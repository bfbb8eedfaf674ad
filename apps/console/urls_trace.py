"""Message trace."""

from django.urls import URLPattern, path

from apps.console.views import tracelist

urlpatterns: list[URLPattern] = [
    path("", tracelist.listing, name="console-trace"),
]
