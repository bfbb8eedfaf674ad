"""`manage.py reindex`: makes the search index anew, or tells how it stands."""

import time
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.search.indexing import Indexer, Step
from apps.search.standing import Standing, standing
from apps.wire.errors import MailError

TOLD_SECONDS: Final = 5.0
_PAUSE: Final = 0.2  # while the worker is at it


class Command(BaseCommand):
    help = (
        "Throw the search index away and fill it anew from the stored mail, while the service"
        " runs. Searches find everything meanwhile, and take longer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        only = parser.add_mutually_exclusive_group()
        only.add_argument("--status", action="store_true", help="only tell how the index stands")
        only.add_argument(
            "--catch-up", action="store_true", help="keep the index, index what waits"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if not options["status"]:
                if not settings.SEARCH_INDEX:
                    raise CommandError("The search index is switched off (SEARCH_INDEX).")
                self._fill(anew=not options["catch_up"])
            self._tell(standing())
        except MailError as error:
            raise CommandError(f"not finished: {error}") from None

    def _tell(self, found: Standing) -> None:
        self.stdout.write(str(found))
        if found.advice:
            self.stdout.write(found.advice)

    def _fill(self, *, anew: bool) -> None:
        indexer = Indexer()
        told = time.monotonic()
        while anew and indexer.begin() is Step.BUSY:
            time.sleep(_PAUSE)
        while (done := indexer.step()) is not Step.IDLE:
            if done is Step.BUSY:
                time.sleep(_PAUSE)
            if time.monotonic() - told >= TOLD_SECONDS:
                told = time.monotonic()
                self.stderr.write(str(standing()))
                self.stderr.flush()
