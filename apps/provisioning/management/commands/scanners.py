"""`manage.py scanners`: do rspamd, SpamAssassin and ClamAV work, as far as they are set?"""

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.provisioning.management.noun import Error
from apps.scan.servers import trial


class Command(BaseCommand):
    help = "Ask each scanner that is set who it is, and whether it finds what it must find."

    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="write JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each; exit code 1 if one of them does not work."""
        try:
            reports = trial.reports()
        except TimeoutError:
            raise Error("No answer in time.") from None
        if options["json"]:
            self.stdout.write(json.dumps([dataclasses.asdict(one) for one in reports], indent=2))
        elif not reports:
            self.stdout.write("None is set: RSPAMD_URL, SPAMD and CLAMD are empty.")
        else:
            self.stdout.write("\n".join(map(_line, reports)))
        if not all(one.works for one in reports):
            raise Error("Not all of them work.")


def _line(report: trial.Report) -> str:
    if report.works:
        return f"{report.name}: works ({report.says})"
    return f"{report.name}: DOES NOT WORK: {report.wrong}" + (
        f" ({report.says})" if report.says else ""
    )
