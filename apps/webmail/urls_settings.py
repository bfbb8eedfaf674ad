"""Addresses of what people set about their mail."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
