"""A process that does what commands of an installation do, one after the other.

Django and all of ours take a second of a processor to start, most commands take milliseconds. For
tests that give many; what a command says, and its exit status, are the same.
"""

import io
import json
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent.parent.parent
_SERVE = "from tests.support import clerk; clerk.serve()"
SECONDS = 60.0  # for a command


class Clerk:
    """The process, as a test sees it."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "shell", "-v0", "-c", _SERVE],
                cwd=_ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                start_new_session=True,
            )

    def manage(self, arguments: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
        """Do a command, with this on its standard input; not more than one at a time."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        asked.write(json.dumps([arguments, text]) + "\n")
        asked.flush()
        if not select.select([answers], [], [], SECONDS)[0]:
            raise AssertionError(f"{arguments}: no answer within {SECONDS:g} s")
        line = answers.readline()
        assert line, f"{arguments}: the clerk has ended"
        return subprocess.CompletedProcess(["manage.py", *arguments], *json.loads(line))

    def stop(self) -> None:
        """It ends when nobody can ask any more."""
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                end.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve() -> None:
    """In the process: do what is asked for, until nobody asks."""
    asked, answers = sys.stdin, sys.stdout
    for line in asked:
        answers.write(json.dumps(_done(*json.loads(line))) + "\n")
        answers.flush()


def _done(arguments: list[str], text: str) -> tuple[Any, str, str]:
    """Exit status, what it said, what it complained about."""
    from apps.ops import commands  # Django is set up in this process alone

    said, complained, status = io.StringIO(), io.StringIO(), 0
    sys.stdin = io.StringIO(text)
    with redirect_stdout(said), redirect_stderr(complained):
        try:
            commands.run(["manage.py", *arguments])
        except SystemExit as end:
            status = end.code or 0  # type: ignore[assignment]  # commands end with numbers
        except Exception as error:  # noqa: BLE001  (as the process of a command would end)
            status = 1
            complained.write(repr(error))
    return status, said.getvalue(), complained.getvalue()
