"""Django's name card of this app."""

from django.apps import AppConfig


class SieveConfig(AppConfig):
    name = "apps.sieve"
    label = "sieve"
