"""`manage.py restore FOLDER`: put a backup in place of what is here; the service is stopped."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.ops.archive import ArchiveError
from apps.ops.locks import RunningError
from apps.ops.restore import restore
from apps.runtime.db import translate_errors
from apps.wire.errors import MailError


class Command(BaseCommand):
    help = "Check a backup and put it in place of what is here. The service must be stopped."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="what `backup` has written")
        parser.add_argument("--force", action="store_true", help="replace what is here")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with translate_errors():
                restore(options["folder"].resolve(), self.stderr.write, force=options["force"])
        except (ArchiveError, RunningError, MailError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or 'restore'}: {error.strerror}") from None
