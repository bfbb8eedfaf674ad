"""Addresses of the address book."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
