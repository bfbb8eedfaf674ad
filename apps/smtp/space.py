"""Whether the disk has room: asked at MAIL, so that no client sends text that cannot be kept.

The answer is a hint (others write too); the truth is ENOSPC at the commit, which is a 452 as well.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

# Kept free for the database's log and for what the worker writes while it empties the queue; on a
# small file system a twentieth of it.
RESERVE = 64 << 20
_FRESH = 0.5  # seconds that one look is good for


class Space:
    """Free space of the folders that mail is written to."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._room = 0
        self._asked = float("-inf")

    def has_room(self, size: int) -> bool:
        """Whether a message of `size` octets (0: unknown) can probably be kept; quick."""
        now = time.monotonic()
        if now - self._asked > _FRESH:
            self._asked = now
            self._room = min(_room(folder) for folder in self._folders)
        return self._room > 2 * size  # once as a blob, once more in the database's log


def _room(folder: Path) -> int:
    """Octets that may still be used; none left over means zero or less."""
    try:
        stat = os.statvfs(folder)
    except OSError:
        return 1 << 62  # not ours to judge: the commit will tell
    free, whole = stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize
    return free - min(RESERVE, whole // 20)
