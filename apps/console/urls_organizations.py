"""Organisations, their limits and who administers them."""

from django.urls import path

from apps.console.views import organizations, roles

urlpatterns = [
    path("", organizations.listing, name="console-organizations"),
    path("add/", organizations.add, name="console-organization-add"),
    path("<row:number>/", organizations.page, name="console-organization"),
    path("<row:number>/sending/", organizations.sending, name="console-organization-sending"),
    path("<row:number>/state/", organizations.state, name="console-organization-state"),
    path("<row:number>/remove/", organizations.remove, name="console-organization-remove"),
    path("<row:number>/roles/", roles.of_organization, name="console-organization-roles"),
]
