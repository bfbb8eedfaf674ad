"""Draws a stranger's picture or PDF anew, in a process of its own that may die over it.

`python -m apps.webmail.easel KIND SHEET` reads the file from standard input and writes to standard
output four octets, how many sheets there are, and one sheet as PNG or JPEG. Before it looks at the
file it puts up the walls that the scanner's cage has: no network, no file but those of programs, no
call but those of computing, and limits of memory, processor time and output. Its environment is
empty: no key and no setting is within reach.

It ends with 0, or with LOCKED, UNREADABLE or NO_SUCH_SHEET; by a signal if it went too far.
"""

import contextlib
import io
import os
import resource
import sys
from typing import TYPE_CHECKING, Any, Final

from apps.scan.attachments import walls

if TYPE_CHECKING:
    from PIL.Image import Image

LOCKED: Final = 3
UNREADABLE: Final = 4
NO_SUCH_SHEET: Final = 5

MOST_SHEETS: Final = 50  # of a PDF that are drawn
LARGEST_OUT: Final = 16 * 1024 * 1024  # octets
PROCESSOR_SECONDS: Final = 10
MEMORY: Final = 640 * 1024 * 1024  # octets of address space, the programs included
_PIXELS: Final = 60_000_000
_SIDE: Final = 2_000  # pixels of what comes out
_PDF_WIDTH: Final = 1_200
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")


def draw(kind: str, data: bytes, sheet: int) -> tuple[int, bytes]:
    """How many sheets there are, and one of them.

    Args:
        kind: "picture" or "pdf".
        sheet: counted from 1.
    """
    return _pdf(data, sheet) if kind == "pdf" else (1, _picture(data))


def _picture(data: bytes) -> bytes:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = _PIXELS
    with Image.open(io.BytesIO(data), formats=_FORMATS) as found:
        if found.width * found.height > _PIXELS:
            raise ValueError("too many pixels")
        if found.format == "JPEG":
            found.draft("RGB", (_SIDE, _SIDE))
        found.load()  # of what moves the first frame alone
        upright = ImageOps.exif_transpose(found)
        upright.thumbnail((_SIDE, _SIDE))
        return _written(upright)


def _pdf(data: bytes, sheet: int) -> tuple[int, bytes]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        sys.exit(LOCKED if "assword" in str(error) else UNREADABLE)
    count = len(document)
    if not 1 <= sheet <= min(count, MOST_SHEETS):
        sys.exit(NO_SUCH_SHEET)
    page = document[sheet - 1]
    width, height = page.get_size()
    scale = min(_PDF_WIDTH / max(width, 1), _SIDE / max(height, 1))
    drawn: Any = page.render(scale=scale, limit_image_cache=True)
    return count, _written(drawn.to_pil())


def _written(picture: "Image") -> bytes:
    """As a file without anything that was not drawn: no places, no names, no profiles."""
    has_holes = picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info
    kept = picture.convert("RGBA" if has_holes else "RGB")
    kept.info.clear()
    made = io.BytesIO()
    if has_holes:
        kept.save(made, "PNG")
    else:
        kept.save(made, "JPEG", quality=85)
    return made.getvalue()


def _load() -> None:
    """What takes files and calls that are gone behind the walls."""
    import pypdfium2  # noqa: F401
    from PIL import AvifImagePlugin, Image, ImageOps  # noqa: F401

    Image.init()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def _close_in() -> None:
    walls.leave_network()
    walls.leave_folder()
    walls.leave_files()
    walls.hide()
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_FSIZE, LARGEST_OUT),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        hard = resource.getrlimit(what)[1]
        bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bounded, bounded))
    walls.leave_calls()


def main() -> None:
    """Draw what standard input has."""
    kind, sheet = sys.argv[1], int(sys.argv[2])
    status = UNREADABLE
    with contextlib.suppress(Exception):  # whatever a decoder says: it is not readable
        _load()
        _close_in()
        count, drawn = draw(kind, sys.stdin.buffer.read(), sheet)
        os.write(1, count.to_bytes(4, "big"))
        view = memoryview(drawn)
        while view:
            view = view[os.write(1, view) :]
        status = 0
    os._exit(status)  # past what libraries would do at an end


if __name__ == "__main__":
    main()
