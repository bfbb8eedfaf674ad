"""Django's name card of this app."""

from django.apps import AppConfig


class TraceConfig(AppConfig):
    name = "apps.trace"
    label = "trace"
