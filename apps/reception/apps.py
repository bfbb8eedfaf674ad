"""Django's name card of this app."""

from django.apps import AppConfig


class ReceptionConfig(AppConfig):
    name = "apps.reception"
    label = "reception"

    def ready(self) -> None:
        from apps.reception import checks  # noqa: F401 - registers them
