"""Django's name card of this app."""

from django.apps import AppConfig


class MailstoreConfig(AppConfig):
    name = "apps.mailstore"
    label = "mailstore"
