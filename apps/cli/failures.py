"""How a command ends when it is not done, and how people are told."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

REFUSED: Final = 1
WRONG_CALL: Final = 2


class Failed(Exception):
    """One sentence for whoever called; the exit status is 1."""

    status = REFUSED


class WrongCall(Failed):
    """It was not called as it can be; the exit status is 2."""

    status = WRONG_CALL


class Problem(Failed):
    """What the interface for programs refused: problem details (RFC 9457)."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        super().__init__(str(told.get("detail") or told.get("title") or f"status {status}"))
        self.http_status = status
        self.told = told

    @property
    def code(self) -> str:
        return str(self.told.get("code", ""))

    def sentences(self) -> Sequence[str]:
        """A line for each fault, which begins with the option that is meant."""
        found = []
        for one in self.told.get("errors", ()):
            place = named(str(one.get("pointer", "")))
            detail = str(one.get("detail", ""))
            found.append(f"{place}: {detail}" if place else detail)
        return found or [str(self)]


def named(pointer: str) -> str:
    """How the command line calls what a pointer points at: `/max_users` is `--max-users`."""
    if pointer.startswith("?"):
        return "--" + pointer[1:].replace("_", "-")
    if pointer.startswith("/"):
        first, _, rest = pointer[1:].partition("/")
        option = "--" + first.replace("_", "-")
        return f"{option} ({rest})" if rest else option
    return pointer.removesuffix(":")
