"""ISO 9660 images with Joliet, Rock Ridge or UDF names, by pycdlib."""

import io
from collections.abc import Iterator
from typing import Any

import pycdlib
from pycdlib.pycdlibexception import PyCdlibException

from apps.scan.attachments.budget import Budget, Damaged, TooMuch
from apps.scan.attachments.member import Member


class _Sink(io.BytesIO):
    """Takes the beginning of a file, counts all of it."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget
        self.is_cut = False

    def write(self, data: Any, /) -> int:
        self._budget.spend(len(data))
        room = self._budget.limits.member - self.tell()
        if len(data) > room:
            self.is_cut = True
        super().write(data[: max(room, 0)])
        return len(data)


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is inside a disk image."""
    image = pycdlib.PyCdlib()
    try:
        image.open_fp(io.BytesIO(data))
        for kind in _trees(image):
            for folder, _, names in image.walk(**{kind: "/"}):
                for name in names:
                    budget.count()
                    yield _member(image, kind, f"{folder.rstrip('/')}/{name}", budget)
    except (PyCdlibException, ValueError, IndexError, OverflowError, KeyError) as error:
        raise Damaged("its table of contents is damaged") from error


def _trees(image: pycdlib.PyCdlib) -> list[str]:
    """All its trees: each system shows another one, and they need not hold the same files."""
    trees = ["rr_path" if image.has_rock_ridge() else "iso_path"]
    trees += ["joliet_path"] if image.has_joliet() else []
    return trees + (["udf_path"] if image.has_udf() else [])


def _member(image: pycdlib.PyCdlib, kind: str, path: str, budget: Budget) -> Member:
    # `SETUP.EXE;1` is version 1 of that file (ISO 9660 section 7.5.1).
    name = path.partition(";")[0] if kind == "iso_path" else path
    sink = _Sink(budget)
    try:
        image.get_file_from_iso_fp(sink, **{kind: path})
    except TooMuch:
        raise
    except (PyCdlibException, ValueError, OSError) as error:
        return Member(name, why_not=f"it cannot be read: {type(error).__name__}")
    return Member(name, sink.getvalue(), is_cut=sink.is_cut)
