"""Commands run as from a shell."""

import io
import json
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass
class Done:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*words: str, stdin: str = "", app: str = "provisioning") -> Done:
    """Run a command of an app: exit code and both streams.

    `run_from_argv` closes all connections at its end: see the fixture `keep_connection`.
    """
    noun, *rest = words
    out, err = io.StringIO(), io.StringIO()
    before = sys.stdin
    sys.stdin = io.StringIO(stdin)
    module = import_module(f"apps.{app}.management.commands.{noun}")
    try:
        module.Command(stdout=out, stderr=err, no_color=True).run_from_argv(
            ["manage.py", noun, *rest]
        )
    except SystemExit as exit_:
        code = exit_.code
        return Done(code if isinstance(code, int) else 1, out.getvalue(), err.getvalue())
    finally:
        sys.stdin = before
    return Done(0, out.getvalue(), err.getvalue())
