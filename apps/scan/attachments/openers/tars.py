"""tar (POSIX ustar and pax, GNU), by the standard library, read from front to back."""

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from apps.scan.attachments import packing
from apps.scan.attachments.budget import Budget, Damaged
from apps.scan.attachments.member import Member


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is inside a tar archive."""
    view = memoryview(data)
    pieces = (bytes(view[at : at + packing.PIECE]) for at in range(0, len(view), packing.PIECE))
    return read(packing.Reader(pieces), budget)


def read(reader: packing.Reader, budget: Budget) -> Iterator[Member]:
    """The same of what comes out of a decoder."""
    try:
        with tarfile.open(mode="r|", fileobj=cast("BinaryIO", reader)) as archive:
            for entry in archive:
                budget.count()
                # What is of no known type is unpacked as a plain file by all.
                if entry.isreg() or entry.type not in tarfile.SUPPORTED_TYPES:
                    yield _member(archive, entry, budget)
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise Damaged("it ends too soon or is damaged") from error


def _member(archive: tarfile.TarFile, entry: tarfile.TarInfo, budget: Budget) -> Member:
    most = budget.limits.member
    file = archive.extractfile(entry)
    content = file.read(most) if file is not None else b""
    if entry.issparse():
        budget.spend(len(content))  # its holes were not unpacked from anything
    return Member(entry.name, content, is_cut=entry.size > most)
