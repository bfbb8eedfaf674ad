"""Addresses of the interface for programs."""

from django.urls import include, path, re_path

from apps.api.missing import Missing
from apps.api.specification import Specification

urlpatterns = [
    path("api/v1/openapi.json", Specification.as_view(), name="api-openapi"),
    path("api/v1/", include("apps.api.organizations.urls")),
    path("api/v1/", include("apps.api.domains.urls")),
    path("api/v1/", include("apps.api.account.urls")),
    path("api/v1/", include("apps.api.aliases.urls")),
    path("api/v1/", include("apps.api.mailboxes.urls")),
    path("api/v1/", include("apps.api.messages.urls")),
    path("api/v1/", include("apps.api.policies.urls")),
    path("api/v1/", include("apps.api.quarantine.urls")),
    path("api/v1/", include("apps.api.audit.urls")),
    path("api/v1/", include("apps.api.health.urls")),
    path("api/v1/", include("apps.api.queue.urls")),
    path("api/v1/", include("apps.api.roles.urls")),
    path("api/v1/", include("apps.api.submissions.urls")),
    path("api/v1/", include("apps.api.tokens.urls")),
    path("", include("apps.api.oauth.urls")),
    path("api/v1/", include("apps.api.traces.urls")),
    path("api/v1/", include("apps.api.users.urls")),
    path("api/v1/", include("apps.api.sharing.urls")),
    path("api/v1/", include("apps.api.webhooks.urls")),
    path("", include("apps.api.reference.urls")),
    # Last: programs are told of a wrong address in words that they can read.
    re_path(r"^api/(?!docs)", Missing.as_view(), name="api-missing"),
]
