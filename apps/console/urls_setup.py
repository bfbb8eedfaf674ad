"""The steps of the first run, after the first account."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
