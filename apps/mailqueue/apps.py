"""Django's name card of this app."""

from django.apps import AppConfig


class MailqueueConfig(AppConfig):
    name = "apps.mailqueue"
    label = "mailqueue"

    def ready(self) -> None:
        """Have readers of the trace told what the queue still owes it."""
        from apps.mailqueue.services.owing import owed_of
        from apps.trace.queries import owed_by

        owed_by(owed_of)
