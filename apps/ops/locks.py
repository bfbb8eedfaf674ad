"""One process for each role of one data folder."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

ROLES = ("listeners", "web", "worker", "beat")


class RunningError(Exception):
    """Another `serve` has this data folder; its text is the sentence for the administrator."""


def hold(roles: Iterable[str]) -> list[int]:
    """Take the roles of this data folder for as long as the returned descriptors are open.

    The kernel gives them back when the process ends, however it ends.

    Raises:
        RunningError: another process has one of them.
    """
    folder: Path = settings.MAILHOST_DATA / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    held: list[int] = []
    for role in roles:
        file = folder / f"{role}.lock"
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        held.append(descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            release(held)
            raise RunningError(
                f"mailhost already runs on {settings.MAILHOST_DATA} (process {holder}); "
                "stop it first, or set MAILHOST_DATA to another folder."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return held


def are_held(roles: Iterable[str]) -> bool:
    """Whether it seems that a `serve` has one of these roles, or starts in this data folder.

    By what it wrote down: to try the lock would be in the way of one that starts at this moment.
    """
    folder: Path = settings.MAILHOST_DATA / "run"
    return any(_is_alive(folder / f"{role}.lock") for role in roles)


def _is_alive(file: Path) -> bool:
    try:
        os.kill(int(file.read_text()), 0)
    except PermissionError:
        return True  # it is another user's
    except (OSError, ValueError, OverflowError):
        return False
    return True


def release(held: Iterable[int]) -> None:
    """Give back what `hold` returned."""
    for one in held:
        os.close(one)
