"""Message trace."""

from django.urls import URLPattern, path

from apps.console.views import tracelist, tracepage

urlpatterns: list[URLPattern] = [
    path("", tracelist.listing, name="console-trace"),
    path("<ulid:trace_id>/", tracepage.page, name="console-trace-message"),
]
