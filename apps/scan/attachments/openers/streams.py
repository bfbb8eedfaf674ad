"""One compressed stream: gz, bz2, xz, zst, lz4, Z, and tar archives inside them.

A tar archive is read as it is unpacked: it never stands in memory as a whole.
"""

from collections.abc import Callable, Iterator
from typing import Final

from apps.scan.attachments import library, packing
from apps.scan.attachments.budget import Budget
from apps.scan.attachments.kinds import kind_of
from apps.scan.attachments.library import Form
from apps.scan.attachments.member import Member, Opener
from apps.scan.attachments.openers import tars

_HEAD: Final = 1_024
_HAS_EXTRA, _HAS_NAME = 0x04, 0x08


def _opener(unpack: Callable[[bytes, Budget], packing.Pieces]) -> Opener:
    def members(data: bytes, budget: Budget) -> Iterator[Member]:
        budget.count()
        reader = packing.Reader(unpack(data, budget))
        if kind_of(reader.look(_HEAD)) == "tar":
            yield from tars.read(reader, budget)
            return
        content = packing.gathered(reader.rest(), budget.limits.member)
        yield Member(
            "",
            content.octets,
            is_cut=content.is_cut,
            why_not=content.why_not,
            other_names=_names(data),
        )

    return members


def _by_library(form: Form) -> Opener:
    """The same by libarchive, without which its content is unread."""
    members = _opener(lambda data, budget: library.stream(data, form, budget))

    def or_unread(data: bytes, budget: Budget) -> Iterator[Member | str]:
        if library.loaded() is None:
            yield from library.unread()
        else:
            yield from members(data, budget)

    return or_unread


def _names(data: bytes) -> tuple[str, ...]:
    """The name that gzip keeps, which some programs restore (RFC 1952 section 2.3)."""
    if not data.startswith(b"\x1f\x8b") or not data[3] & _HAS_NAME:
        return ()
    start = 10
    if data[3] & _HAS_EXTRA:
        start += 2 + int.from_bytes(data[10:12], "little")
    name = data[start : start + 1_024].partition(b"\0")[0]
    return (name.decode("utf-8", "replace"),) if name else ()


gzip: Final = _opener(lambda data, budget: packing.deflated(data, budget, form=31))
bzip2: Final = _opener(packing.bunzipped)
xz: Final = _opener(packing.unxzed)
zstd: Final = _opener(packing.unzstded)
lz4: Final = _by_library(Form.LZ4)
compress: Final = _by_library(Form.COMPRESS)
