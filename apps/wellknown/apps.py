"""Django's name card of this app."""

from django.apps import AppConfig


class WellknownConfig(AppConfig):
    name = "apps.wellknown"
    label = "wellknown"
