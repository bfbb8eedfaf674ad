"""Regular expressions in aliases, by RE2: time grows with the length of the text, never more, so
that no expression and no address makes a "ReDoS".

RE2 has no back-references and no look-around, which is the price. What is left to bound is the
size of the compiled program: the only factor by which a text's length is multiplied.
"""

from functools import lru_cache
from typing import Any, Final

import re2

MAX_LENGTH: Final = 198  # characters of an expression: what an alias's column holds, less `//`
MAX_PROGRAM: Final = 1_000  # RE2 instructions
_MEMORY: Final = 1 << 20  # bytes for an expression's state machine; beyond, RE2 walks the program
_KEPT: Final = 10_000  # compiled expressions of a process; few installations have as many


class ExpressionError(ValueError):
    """Not an expression that we take; its text is for the administrator."""


def check(text: str) -> None:
    """Raise ExpressionError if `matches` could not use an expression."""
    if not text or len(text) > MAX_LENGTH or not text.isprintable():  # nor is a lone surrogate
        raise ExpressionError(f"it has 1 to {MAX_LENGTH} printable characters")
    try:
        program = _compiled(text)
    except re2.error as error:
        raise ExpressionError(_words(error)) from None
    if program.programsize > MAX_PROGRAM:
        raise ExpressionError("it is too large once compiled: repeat less")


def matches(text: str, local: str) -> bool:
    """Whether the expression matches the whole (casefolded) local part, in any case.

    What `check` would refuse matches nothing.
    """
    try:
        return _compiled(text).fullmatch(local) is not None
    except re2.error:
        return False


@lru_cache(maxsize=_KEPT)
def _compiled(text: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.never_capture = True
    options.log_errors = False  # to the process's standard error, otherwise
    options.max_mem = _MEMORY
    return re2.compile(text, options)


def _words(error: Exception) -> str:
    """RE2 gives its message as bytes."""
    message = error.args[0] if error.args else ""
    return message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
