"""Django's name card of this app."""

from django.apps import AppConfig


class MailqueueConfig(AppConfig):
    name = "apps.mailqueue"
    label = "mailqueue"
