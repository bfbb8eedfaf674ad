"""Addresses of the reference."""

from django.urls import path

from apps.api.reference import views

urlpatterns = [
    path("api/docs", views.overview, name="api-docs"),
    path("api/docs/problems", views.problems, name="api-docs-problems"),
    path("api/docs/<slug:resource>", views.resource, name="api-docs-resource"),
]
