"""Addresses that other mail servers and mail programs ask for."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
