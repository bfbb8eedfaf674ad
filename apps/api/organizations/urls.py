"""Addresses of organisations."""

from django.urls import path

from apps.api.organizations.views import OneOrganization, Organizations

urlpatterns = [
    path("organizations", Organizations.as_view(), name="api-organizations"),
    path("organizations/<int:organization_id>", OneOrganization.as_view(), name="api-organization"),
]
