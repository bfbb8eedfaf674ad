"""Addresses of the administrators' console. Every one works without script."""

from django.urls import include, path

from apps.ui import converters  # noqa: F401  (it registers `<row:…>`)

urlpatterns = [
    path("admin/", include("apps.console.urls_system")),
    path("admin/domains/", include("apps.console.urls_domains")),
    path("admin/users/", include("apps.console.urls_users")),
    path("admin/", include("apps.console.urls_addresses")),
    path("admin/", include("apps.console.urls_import")),
    path("admin/organizations/", include("apps.console.urls_organizations")),
    path("admin/policies/", include("apps.console.urls_policies")),
    path("admin/trace/", include("apps.console.urls_trace")),
    path("admin/queue/", include("apps.console.urls_queue")),
    path("admin/quarantine/", include("apps.console.urls_quarantine")),
    path("admin/setup/", include("apps.console.urls_setup")),
    path("admin/webhooks/", include("apps.console.urls_webhooks")),
]
