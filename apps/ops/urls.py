"""Health pages, for probes and balancers; figures, for Prometheus."""

from django.urls import path

from apps.ops import health, metrics

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
