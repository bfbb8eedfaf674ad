"""`manage.py health`: whether this installation works, and what to do where it does not."""

import dataclasses
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.provisioning.health import report
from apps.provisioning.health.checks import Check, Report, State


class Command(BaseCommand):
    help = "Look at every part of the service. Exit status 1 when something is broken."

    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="write JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what was found; 0 also where something should only be looked at."""
        found = report.report()
        self.stdout.write(_json(found) if options["json"] else "\n".join(_lines(found)))
        if found.worst is State.BAD:
            sys.exit(1)


def _json(found: Report) -> str:
    document = {
        "state": found.worst.name.lower(),
        "checks": [_row(check) for check in found.checks],
    }
    return json.dumps(document, indent=2)


def _row(check: Check) -> dict[str, str]:
    return {**dataclasses.asdict(check), "state": check.state.name.lower()}


def _lines(found: Report) -> list[str]:
    lines = []
    for group in found.groups:
        lines.append(group.name)
        for check in group.checks:
            lines.append(f"  {check.state.value:<11} {check.name}: {check.words}")
            if check.advice and check.is_trouble:
                lines.append(f"{'':14}{check.advice}")
    return lines
