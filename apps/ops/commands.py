"""`manage.py COMMAND`: Django's own way in, with one thing more.

A command of ours that needs tables waits while a service that starts is still making them, and says
in words what is to be done if nobody does. Without it what the database says would be all that an
administrator hears.
"""

import gc
import os
import sys
import time
from collections.abc import Sequence
from typing import Final

from django.core.management import ManagementUtility
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections

from apps.ops import locks, schema

WAIT_SECONDS: Final = 60.0
# A service that runs and changes nothing is about to, or is one of an older version.
PATIENCE_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.2
# They make the tables themselves, carry those of another version, or ask nothing of them.
NEEDS_NO_TABLES: Final = frozenset({"serve", "demo", "backup", "restore"})
# But these verbs of theirs do.
NEED_TABLES: Final = {"restore": frozenset({"list", "message", "mailbox", "removed"})}

_STILL: Final = (
    "The database is not ready: a service runs here, and has not brought it up to date. Try again"
    " once `manage.py serve` has said that it is ready; one of an older version must be restarted."
)
_BEHIND: Final = (
    "The database is not ready: its tables are made, and brought up to date, when the service"
    " starts. Start `manage.py serve`, or run `manage.py migrate`."
)


def run(arguments: Sequence[str]) -> None:
    """Run the command that `arguments` (the program's name first) ask for."""
    try:
        _Manage(list(arguments)).execute()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader had enough (`why ADDRESS | head`). Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except UnicodeEncodeError:
        # Python reads octets of the command line that are no UTF-8 as what no database takes.
        if all(map(_is_text, arguments)):
            raise
        sys.stderr.write("Error: An argument is not UTF-8.\n")
        sys.exit(1)


def _is_text(word: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in word)


class _Manage(ManagementUtility):
    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Django asks for it just before it runs it, or shows its help."""
        command = super().fetch_command(subcommand)
        gc.enable()  # off since the process began: see manage.py
        if self._is_run(subcommand) and _needs_tables(self.argv[1:3], command):
            problem = wait_for_tables()
            if problem:
                sys.stderr.write(f"Error: {problem}\n")
                sys.exit(1)
        return command

    def _is_run(self, subcommand: str) -> bool:
        words = self.argv[1:]
        return words[:1] == [subcommand] and not {"-h", "--help"} & set(words)


def wait_for_tables() -> str:
    """Return when the database is up to date: ""; else why it is not, for the administrator."""
    try:
        return "" if not schema.missing_migrations() else _wait()
    except DatabaseError:
        return ""  # the command says it better: it knows what it wanted
    finally:
        connections.close_all()


def _wait() -> str:
    started = time.monotonic()
    while True:
        is_being_changed = schema.is_being_changed()
        is_held = locks.are_held(locks.ROLES)
        # Whoever was at it may have finished before the last look.
        if not schema.missing_migrations():
            return ""
        if not (is_being_changed or is_held):
            return _BEHIND
        seconds = WAIT_SECONDS if is_being_changed else PATIENCE_SECONDS
        if time.monotonic() - started >= seconds:
            return _STILL
        time.sleep(LOOK_SECONDS)


def _needs_tables(words: Sequence[str], command: BaseCommand) -> bool:
    """Whether a command of ours, by its name and the word behind, does."""
    name, verb = words[0], words[-1]
    is_ours = type(command).__module__.startswith("apps.")
    return is_ours and (name not in NEEDS_NO_TABLES or verb in NEED_TABLES.get(name, ()))
