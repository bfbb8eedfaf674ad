"""Django's name card of this app."""

from django.apps import AppConfig


class Pop3Config(AppConfig):
    name = "apps.pop3"
    label = "pop3"
