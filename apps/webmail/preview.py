"""Pictures of attachments, made here: what the browser gets was never in the mail.

The drawing is done by a process of its own (apps.webmail.easel), so that neither a bomb nor a hole
in a decoder reaches the web's. Few at once; each has its time.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final, NamedTuple

from django.utils.translation import gettext as _

from apps.webmail import easel, imagehead
from apps.wire.errors import MailError, Overloaded, Refused

LARGEST: Final = 25 * 1024 * 1024  # octets of a file that is drawn
LARGEST_TEXT: Final = 200_000  # octets of a text that is shown
SECONDS: Final = 15.0
PATIENCE: Final = 10.0  # seconds that a drawing waits for its turn
MOST_SHEETS: Final = easel.MOST_SHEETS
PICTURE, PDF, TEXT = "picture", "pdf", "text"

_AT_ONCE: Final = threading.BoundedSemaphore(2)
_ROOT: Final = Path(__file__).resolve().parents[2]


class Drawn(NamedTuple):
    """A sheet.

    Args:
        sheets: how many there are.
    """

    octets: bytes
    mime_type: str
    sheets: int


def kind(head: bytes, mime_type: str, size: int) -> str:
    """Which preview a file has: PICTURE, PDF, TEXT, or "" for none.

    Args:
        head: its first octets.
        mime_type: what the mail says, which decides among texts alone.
        size: octets.
    """
    if size > LARGEST:
        return ""
    if head.startswith(b"%PDF-"):
        return PDF
    picture = imagehead.look(head)
    if picture is not None:
        return PICTURE if picture.is_bearable else ""
    is_text = mime_type.startswith("text/") and b"\0" not in head
    return TEXT if is_text and size <= LARGEST_TEXT else ""


def draw(octets: bytes, what: str, sheet: int) -> Drawn:
    """Draw a sheet of a file.

    Args:
        what: PICTURE or PDF.
        sheet: counted from 1.

    Raises:
        Refused: it cannot be drawn; its text says why.
        Overloaded: too many are being drawn.
    """
    if not _AT_ONCE.acquire(timeout=PATIENCE):
        raise Overloaded(text=_("Too many previews are being made: try again in a minute"))
    try:
        status, made = _run(octets, what, sheet)
    finally:
        _AT_ONCE.release()
    picture = imagehead.look(made[4:]) if status == 0 else None
    if picture is None:
        raise _failure(status)
    return Drawn(made[4:], picture.mime_type, int.from_bytes(made[:4], "big"))


def _run(octets: bytes, what: str, sheet: int) -> tuple[int, bytes]:
    """How the process ended, and what it wrote; 1 if it was not there in time."""
    # In memory, and bounded by the process' own limit: a pipe would take whatever comes.
    given, made = (os.memfd_create(name, os.MFD_CLOEXEC) for name in ("given", "made"))
    with os.fdopen(given, "w+b") as source, os.fdopen(made, "w+b") as target:
        source.write(octets)
        source.seek(0)
        process = subprocess.Popen(  # noqa: S603  (our own module, no shell)
            [sys.executable, "-m", "apps.webmail.easel", what, str(sheet)],
            cwd=_ROOT,
            env={"LANG": "C.UTF-8"},
            stdin=source,
            stdout=target,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            status = 1
        finally:
            process.kill()
            process.wait()
        target.seek(0)
        return status, target.read(easel.LARGEST_OUT)


def _failure(status: int) -> MailError:
    if status == easel.LOCKED:
        return Refused(text=_("This file is locked by a password"))
    if status == easel.NO_SUCH_SHEET:
        return Refused(text=_("There is no such page"))
    return Refused(text=_("This file could not be drawn: it is damaged, or too large"))
