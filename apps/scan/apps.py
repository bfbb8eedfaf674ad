"""Django's name card of this app."""

from django.apps import AppConfig


class ScanConfig(AppConfig):
    name = "apps.scan"
    label = "scan"
