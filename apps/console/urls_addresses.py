"""Aliases, groups and shared mailboxes, and where mail for an address would go."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
