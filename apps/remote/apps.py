"""Django's name card of this app."""

from django.apps import AppConfig


class RemoteConfig(AppConfig):
    name = "apps.remote"
    label = "remote"
