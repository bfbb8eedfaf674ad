"""Django's name card of this app."""

from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    name = "apps.runtime"
    label = "runtime"

    def ready(self) -> None:
        """Give fields the lookups of this app."""
        from django.db.models import UUIDField

        from apps.runtime.among import Among

        UUIDField.register_lookup(Among)
