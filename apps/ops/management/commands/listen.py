"""`manage.py listen`: mail doors in this process alone, without a supervisor."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.ops import doors, listeners
from apps.runtime.sockets import DoorError
from apps.runtime.tls import CertificateError


class Command(BaseCommand):
    help = "Serve mail doors in this process, until SIGTERM. SIGHUP looks for new certificates."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--doors", default="", help="only these, by commas")
        parser.add_argument(
            "--share",
            action="store_true",
            help="let other processes open the same ports (SO_REUSEPORT)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["doors"].replace(",", " ").split()
        try:
            mail = doors.mail_doors(wanted)
            if not mail:
                raise DoorError("All doors are switched off.")
            listeners.run(list(mail), share=options["share"])
        except (ValueError, DoorError, CertificateError) as error:
            raise CommandError(str(error)) from None
