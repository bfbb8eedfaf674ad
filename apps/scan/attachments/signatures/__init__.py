"""Our own yara rules, compiled once in each process, and asked of one file at a time."""

import threading
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Final

import yara_x

from apps.scan.attachments.member import OBJECT, SHOWN, SOURCE

_FOLDER: Final = Path(__file__).parent
_NAMES_MOST: Final = 20  # rules told of one file


def found_in(content: bytes, kind: str, ending: str, marks: Collection[str]) -> list[str]:
    """The names of the rules that a file matches, in the order of the alphabet. Linear in time.

    Raises:
        RuntimeError: yara-x gave up. It is written in Rust, whose panics are no `Exception`: one
            that a file brings about must end no worker.
    """
    try:
        return _found(content, kind, ending, marks) if content else []
    except (Exception, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise RuntimeError("yara-x gave up") from error


def _found(content: bytes, kind: str, ending: str, marks: Collection[str]) -> list[str]:
    scanner = _scanner()
    # What a message shows is read, not opened: no script in it runs.
    scanner.set_global("kind", "text" if SHOWN in marks else kind)
    scanner.set_global("ending", ending)
    scanner.set_global("is_macro", SOURCE in marks)
    scanner.set_global("is_object", OBJECT in marks or kind == "ole")
    matching = scanner.scan(content).matching_rules
    return sorted(rule.identifier for rule in matching)[:_NAMES_MOST]


class _OfThread(threading.local):
    """A scanner may be used only by the thread that made it; the rules are shared."""

    scanner: yara_x.Scanner | None = None


_OF_THREAD: Final = _OfThread()


def _scanner() -> yara_x.Scanner:
    if _OF_THREAD.scanner is None:
        scanner = yara_x.Scanner(_rules())
        # How often something stands in a file is nobody's question: the first places will do.
        scanner.max_matches_per_pattern(1_000)
        _OF_THREAD.scanner = scanner
    return _OF_THREAD.scanner


@cache
def _rules() -> yara_x.Rules:
    compiler = yara_x.Compiler()
    for name in ("kind", "ending"):
        compiler.define_global(name, "")
    for name in ("is_macro", "is_object"):
        compiler.define_global(name, False)
    for path in sorted(_FOLDER.glob("*.yar")):
        compiler.add_source(path.read_text(), origin=path.name)
    return compiler.build()
