"""Django's name card of this app."""

from django.apps import AppConfig


class DnscheckConfig(AppConfig):
    name = "apps.dnscheck"
    label = "dnscheck"
