"""Django's name card of this app."""

from django.apps import AppConfig


class WebmailConfig(AppConfig):
    name = "apps.webmail"
    label = "webmail"
