"""`manage.py backup FOLDER`: a copy of rows, objects and keys, while the service runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit.shell import at_shell
from apps.ops.archive import ArchiveError
from apps.ops.backup import backup
from apps.runtime.db import translate_errors
from apps.wire.errors import MailError


class Command(BaseCommand):
    help = "Copy rows, objects and keys into a new folder, consistent, while the service runs."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="new or empty")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with translate_errors(), at_shell():
                backup(options["folder"].resolve(), self.stderr.write)
        except (ArchiveError, MailError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or 'backup'}: {error.strerror}") from None
