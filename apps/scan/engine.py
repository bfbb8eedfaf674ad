"""Which rules judged a message: a short name of all code and tables that have a part in it.

Two verdicts of the same name came from the same code: computing one again gives the same. Where the
names differ, a difference may come from that. It is computed rather than written down, because a
number that people raise is forgotten.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

_APPS: Final = Path(__file__).resolve().parent.parent
_ROOMS: Final = ("scan", "mime")
_KINDS: Final = frozenset({".py", ".yar", ".txt", ".tsv"})


@cache
def fingerprint() -> str:
    """The name: 12 hexadecimal digits. Read once in a process: some milliseconds."""
    digest = hashlib.blake2b(digest_size=6)
    for room in _ROOMS:
        for path in sorted((_APPS / room).rglob("*")):
            if path.suffix in _KINDS:
                digest.update(path.relative_to(_APPS).as_posix().encode() + b"\0")
                digest.update(path.read_bytes())
    return digest.hexdigest()
