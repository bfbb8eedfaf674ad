"""What writing costs a browser besides what reading needs."""

import gzip
import re
from pathlib import Path

from django.conf import settings

STATIC = Path(settings.BASE_DIR) / "static" / "webmail"
MOST = 80_000  # octets, compressed
_IMPORT = re.compile(r"^import (?:[^;]*? from )?'([^']+)'", re.MULTILINE)


def gathered(file: Path, known: set[Path]) -> set[Path]:
    """The module and all that it cannot begin without."""
    file = file.resolve()
    if file not in known:
        known.add(file)
        for name in _IMPORT.findall(file.read_text()):
            gathered(file.parent / name, known)
    return known


def test_a_composer_is_small() -> None:
    reading: set[Path] = set()
    for page in STATIC.glob("*.js"):
        if page.name not in ("compose.js", "signature.js"):
            gathered(page, reading)
    writing = gathered(STATIC / "compose.js", set()) | gathered(
        STATIC / "compose" / "composer.js", set()
    )
    looks = {STATIC / "compose.css", STATIC / "compose-parts.css"}

    sizes = {file: len(gzip.compress(file.read_bytes())) for file in (writing - reading) | looks}

    assert len(sizes) > 20
    assert sum(sizes.values()) < MOST, sorted((size, file.name) for file, size in sizes.items())
