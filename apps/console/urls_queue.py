"""Queue."""

from django.urls import URLPattern, path

from apps.console.views import queuelist

urlpatterns: list[URLPattern] = [
    path("", queuelist.listing, name="console-queue"),
]
