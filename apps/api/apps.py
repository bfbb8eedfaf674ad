"""Django's name card of this app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "apps.api"
    label = "api"

    def ready(self) -> None:
        """Have drf-spectacular know how one is let in: it looks at what was imported."""
        from apps.api import schema  # noqa: F401
