"""Django's name card of this app."""

from django.apps import AppConfig


class BlobsConfig(AppConfig):
    name = "apps.blobs"
    label = "blobs"
