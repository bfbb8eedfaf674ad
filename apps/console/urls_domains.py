"""Domains, and the tabs of one."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
