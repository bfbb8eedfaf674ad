"""`manage.py fsck`: checks all stored mail and what is kept beside it, and mends it if asked to."""

import json
import time
from typing import Any, Final

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    OutputWrapper,
)

from apps.audit.shell import at_shell
from apps.directory.models import User
from apps.mailstore.fsck.finding import Scope
from apps.mailstore.models import SetAside
from apps.mime.address import Address, AddressError
from apps.ops import fsck
from apps.ops.fsck import Outcome, Told
from apps.wire.errors import MailError

WRONG: Final = 1
MISUSED: Final = 2
UNFINISHED: Final = 3
PROGRESS_SECONDS: Final = 5.0


class _Progress:
    """Tells on standard error how far a long run has come, every few seconds."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._told = time.monotonic()

    def tell(self, stage: str, done: int, total: int) -> None:
        if time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = time.monotonic()
            share = 100 * done // max(total, 1)
            self._stream.write(f"{stage}: {done:,} of {total:,} ({share} %)")
            self._stream.flush()


class Command(BaseCommand):
    help = (
        "Check every stored message, every counter and every row against the bytes, while the"
        " service runs. Exit status: 0 nothing is wrong, or all of it was mended; 1 something is"
        " wrong; 2 no such user; 3 the check could not be finished."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument(
            "--repair",
            action="store_true",
            help="mend what can be mended; what is replaced is set aside, no mail is deleted",
        )
        parser.add_argument(
            "--index", action="store_true", help="compare all texts of the search index, not some"
        )
        parser.add_argument(
            "--aside",
            action="store_true",
            help="check nothing; print what earlier repairs have set aside, one JSON object a line",
        )
        parser.add_argument("--user", metavar="ADDRESS", help="only the mail of this user")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["aside"]:
            self._print_aside()
        else:
            with at_shell():
                self._check(options)

    def _check(self, options: dict[str, Any]) -> None:
        quiet = options["verbosity"] == 0
        tell = _nothing if quiet else _Progress(self.stderr).tell
        user_id = _user(options["user"]) if options["user"] else None
        wrong = harmless = mended = 0
        try:
            scope = Scope(user_id, tell)
            for told in fsck.run(scope, repair=options["repair"], every_text=options["index"]):
                self._say(told, as_json=options["json"])
                wrong += told.is_wrong
                mended += told.outcome is Outcome.MENDED
                harmless += told.is_left and not told.is_wrong
        except MailError as error:
            raise CommandError(f"not finished: {error}", returncode=UNFINISHED) from None
        if not options["json"]:
            done = f", {mended} mended" if options["repair"] else ""
            self.stdout.write(f"{wrong} wrong, {harmless} harmless{done}")
        if wrong:
            raise SystemExit(WRONG)

    def _print_aside(self) -> None:
        for one in SetAside.objects.order_by("pk").iterator():
            about = {"at": one.at, "kind": one.kind, "place": one.place}
            self.stdout.write(json.dumps({**about, "row": json.loads(one.row)}))

    def _say(self, told: Told, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(told.as_json()))
            return
        found = told.finding
        self.stdout.write(_printable(f"{found.kind}: {found.where}: {found.detail}"))
        for message in found.messages:
            self.stdout.write(_printable(f"    {message}"))
        if told.words:
            self.stdout.write(_printable(f"    {told.outcome}: {told.words}"))
        elif found.mend is not None:
            self.stdout.write("    --repair can mend it")


def _nothing(_stage: str, _done: int, _total: int) -> None: ...


def _printable(text: str) -> str:
    """Names of mailboxes are what users wrote, and may be damaged."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _user(address: str) -> int:
    try:
        key = Address.parse(address).key
    except AddressError as error:
        raise CommandError(str(error), returncode=MISUSED) from None
    user = User.objects.living().filter(key=key).first()
    if user is None:
        raise CommandError(f"no user {address}", returncode=MISUSED)
    return user.pk
