"""Addresses of tokens."""

from django.urls import path

from apps.api.tokens.views import OneToken, Tokens

urlpatterns = [
    path("tokens", Tokens.as_view(), name="api-tokens"),
    path("tokens/<int:token_id>", OneToken.as_view(), name="api-token"),
]
