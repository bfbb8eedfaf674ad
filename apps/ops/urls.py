"""Health pages, for probes and balancers."""

from django.urls import path

from apps.ops import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
