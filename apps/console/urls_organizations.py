"""Organisations, their limits and who administers them."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
