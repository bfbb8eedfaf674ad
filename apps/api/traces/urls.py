"""Addresses of what became of messages."""

from django.urls import path

from apps.api.traces.views import OneTrace, Traces
from apps.ui import converters  # noqa: F401  (it registers `<ulid:…>`)

urlpatterns = [
    path("traces", Traces.as_view(), name="api-traces"),
    path("traces/<ulid:trace_id>", OneTrace.as_view(), name="api-trace"),
]
