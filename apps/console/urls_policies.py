"""Policies of the installation and of a domain."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
