"""Addresses of how the installation stands."""

from django.urls import path

from apps.api.health.views import Figures, Flow, Health

urlpatterns = [
    path("health", Health.as_view(), name="api-health"),
    path("health/figures", Figures.as_view(), name="api-health-figures"),
    path("health/flow", Flow.as_view(), name="api-health-flow"),
]
