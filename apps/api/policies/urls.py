"""Addresses of policies."""

from django.urls import path

from apps.api.policies.files import DomainFiles, Files
from apps.api.policies.filtering import DomainFilter, Filter, OneRule, Rules, UserFilter
from apps.api.policies.senders import DomainSenders, Senders
from apps.api.policies.ways import Route, Tls, Transports

_DOMAIN = "policies/domains/<int:domain_id>"

urlpatterns = [
    path("policies/filter", Filter.as_view(), name="api-policies-filter"),
    path("policies/files", Files.as_view(), name="api-policies-files"),
    path("policies/senders", Senders.as_view(), name="api-policies-senders"),
    path("policies/rules", Rules.as_view(), name="api-policies-rules"),
    path("policies/rules/<str:rule>", OneRule.as_view(), name="api-policies-rule"),
    path("policies/tls", Tls.as_view(), name="api-policies-tls"),
    path("policies/transports", Transports.as_view(), name="api-policies-transports"),
    path("policies/route", Route.as_view(), name="api-policies-route"),
    path(f"{_DOMAIN}/filter", DomainFilter.as_view(), name="api-policies-domain-filter"),
    path(f"{_DOMAIN}/files", DomainFiles.as_view(), name="api-policies-domain-files"),
    path(f"{_DOMAIN}/senders", DomainSenders.as_view(), name="api-policies-domain-senders"),
    path(
        "policies/users/<int:user_id>/filter",
        UserFilter.as_view(),
        name="api-policies-user-filter",
    ),
]
