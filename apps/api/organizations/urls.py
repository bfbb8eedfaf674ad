"""Addresses of organisations."""

from django.urls import path

from apps.api.organizations.usage import Limits, Usage, Usages
from apps.api.organizations.views import OneOrganization, Organizations

_ONE = "organizations/<int:organization_id>"

urlpatterns = [
    path("organizations", Organizations.as_view(), name="api-organizations"),
    path("organizations/usage", Usages.as_view(), name="api-organizations-usage"),
    path(_ONE, OneOrganization.as_view(), name="api-organization"),
    path(f"{_ONE}/usage", Usage.as_view(), name="api-organization-usage"),
    path(f"{_ONE}/limits", Limits.as_view(), name="api-organization-limits"),
]
