"""Policies of the installation and of a domain."""

from django.urls import URLPattern, path

from apps.console.views import attachments, lists, outbound, policies, rulepoints

urlpatterns: list[URLPattern] = [
    path("", policies.everywhere, name="console-policies"),
    path("<row:number>/", policies.domain, name="console-policies-domain"),
    path("users/<row:number>/", policies.user, name="console-policies-user"),
    path("lists/", lists.listing, name="console-policies-lists"),
    path("lists/export/", lists.export, name="console-policies-lists-export"),
    path("<row:number>/lists/", lists.listing, name="console-policies-domain-lists"),
    path("<row:number>/lists/export/", lists.export, name="console-policies-domain-lists-export"),
    path("files/", attachments.page, name="console-policies-files"),
    path("<row:number>/files/", attachments.page, name="console-policies-domain-files"),
    path("rules/", rulepoints.page, name="console-policies-rules"),
    path("tls/", outbound.tls, name="console-policies-tls"),
    path("transports/", outbound.transports, name="console-policies-transports"),
]
