"""`manage.py reseal`: after a new ENCRYPTION_KEY was put in front of the old one."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.audit.shell import at_shell
from apps.provisioning import seals
from apps.provisioning.management.noun import Error


class Command(BaseCommand):
    help = "Seal all private keys and passwords under the first ENCRYPTION_KEY."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="write JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seal; exit 1 if some secret cannot be opened."""
        with at_shell():
            done = seals.reseal()
        if options["json"]:
            self.stdout.write(json.dumps({"changed": done.changed, "broken": done.broken}))
        else:
            self.stdout.write(f"Secrets sealed anew: {done.changed}.")
        if done.broken:
            raise Error("Some secrets cannot be opened: " + "; ".join(done.broken) + ".")
