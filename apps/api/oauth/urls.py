"""Addresses at which programs get and give back what people let them do."""

from django.urls import path

from apps.api.oauth.views import metadata, revoke, token

urlpatterns = [
    path("oauth/token", token, name="api-oauth-token"),
    path("oauth/revoke", revoke, name="api-oauth-revoke"),
    # RFC 8414 section 3
    path(".well-known/oauth-authorization-server", metadata, name="api-oauth-metadata"),
]
