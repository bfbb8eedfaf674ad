"""Which rules judged a message: a short name of all code, tables and libraries that have a part in
it.

Two verdicts of the same name came from the same code: computing one again gives the same. Where the
names differ, a difference may come from that. It is computed rather than written down, because a
number that people raise is forgotten.
"""

import hashlib
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

_APPS: Final = Path(__file__).resolve().parent.parent
_ROOMS: Final = ("scan", "mime", "mailauth", "reception")
_KINDS: Final = frozenset({".py", ".yar", ".txt"})
LIBRARIES: Final = (
    *("idna", "inflate64", "olefile", "publicsuffixlist", "pycdlib", "selectolax", "yara-x"),
)
"""Those whose answers `judge` rests on. Python itself brings the tables of Unicode."""


@cache
def fingerprint() -> str:
    """The name: 12 hexadecimal digits. Read once in a process: some milliseconds."""
    digest = hashlib.blake2b(digest_size=6)
    for room in _ROOMS:
        for path in sorted((_APPS / room).rglob("*")):
            if path.suffix in _KINDS:
                digest.update(path.relative_to(_APPS).as_posix().encode() + b"\0")
                digest.update(path.read_bytes())
    versions = [f"{name} {metadata.version(name)}" for name in LIBRARIES]
    digest.update("\0".join([sys.version, *versions]).encode())
    return digest.hexdigest()
