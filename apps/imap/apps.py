"""Django's name card of this app."""

from django.apps import AppConfig


class ImapConfig(AppConfig):
    name = "apps.imap"
    label = "imap"
