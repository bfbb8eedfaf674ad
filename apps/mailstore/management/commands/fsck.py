"""`manage.py fsck [--json]`: checks all stored mail; exits with 1 if something is wrong."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.mailstore import fsck


class Command(BaseCommand):
    help = (
        "Check every stored message and every counter. Prints what is damaged, missing or"
        " unreferenced, and exits with 1 if mail is lost or a counter is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = harmless = 0
        for found in fsck.check():
            if options["json"]:
                self.stdout.write(json.dumps(found.as_json()))
            else:
                self.stdout.write(f"{found.kind}: {found.where}: {found.detail}")
                for message in found.messages:
                    self.stdout.write(f"    {message}")
            wrong += not found.is_harmless
            harmless += found.is_harmless
        if not options["json"]:
            self.stdout.write(f"{wrong} wrong, {harmless} harmless")
        if wrong:
            raise SystemExit(1)
