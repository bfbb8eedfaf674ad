"""Django's name card of this app."""

from django.apps import AppConfig


class SmtpConfig(AppConfig):
    name = "apps.smtp"
    label = "smtp"
