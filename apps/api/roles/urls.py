"""Addresses of roles."""

from django.urls import path

from apps.api.roles.views import OneRole, Roles

urlpatterns = [
    path("roles", Roles.as_view(), name="api-roles"),
    path("roles/<int:grant_id>", OneRole.as_view(), name="api-role"),
]
