"""`manage.py serve`: the whole service, or some of its roles, under one supervisor."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.ops import start, worker


class Command(BaseCommand):
    help = "Run the service: mail doors, web and worker, restarted when they die."
    # They would load every view before the first door is open; `manage.py check` runs them.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only",
            action="append",
            choices=start.ROLES,
            metavar="ROLE",
            help="one role (may be given several times): " + ", ".join(start.ROLES),
        )
        parser.add_argument(
            "--doors", default="", help="with the listeners: only these mail doors, by commas"
        )

        parser.add_argument(
            "--queues",
            action="append",
            choices=worker.QUEUES,
            metavar="QUEUE",
            help="with the worker: only this queue (may be given several times): "
            + ", ".join(worker.QUEUES),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = [door for door in options["doors"].replace(",", " ").split() if door]
        try:
            status = start.serve(
                options["only"] or start.ROLES,
                wanted,
                self._say,
                queues=options["queues"] or worker.QUEUES,
            )
        except start.StartError as error:
            raise CommandError(str(error)) from None
        if status:
            raise SystemExit(status)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
