"""Addresses of writing: the composer, its files, sending, what leaves later."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
