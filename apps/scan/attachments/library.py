"""libarchive, where the machine has it: it unpacks what our own readers know only the names of.

It is C that reads what strangers send, so it is called in the cage only (`caged`), one form at a
time, never by guessing, and from memory. All that it unpacks is counted within the budget, also
what nobody wants: it is never told to skip, since in a solid archive that is unpacking without end.

Without it such content is `unread`, and the verdict says why.
"""

import ctypes
import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from apps.scan.attachments import packing
from apps.scan.attachments.budget import Budget, Damaged
from apps.scan.attachments.member import MISSING, UNREAD, Member, Opener

_NAME: Final = "libarchive.so.13"  # Debian's libarchive13, of 2013 until now
_EOF, _OK, _WARN, _FATAL = 1, 0, -20, -30  # <archive.h>
_FOLDER: Final = 0o040000
_UNPACKING: Final = 2  # filters: the one that only reads octets, and one more
_FAILURES_MOST: Final = 8  # entries in a row that cannot be read before it is given up
_UNKNOWN: Final = "it is packed in a way that is not known here"
_POINTER, _TEXT, _NUMBER, _SIZE = (
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.c_size_t,
)
_FUNCTIONS: Final = {
    "archive_read_new": (_POINTER, ()),
    "archive_read_free": (_NUMBER, (_POINTER,)),
    "archive_read_open_memory": (_NUMBER, (_POINTER, _TEXT, _SIZE)),
    "archive_read_next_header": (_NUMBER, (_POINTER, ctypes.POINTER(_POINTER))),
    "archive_read_data": (ctypes.c_ssize_t, (_POINTER, _POINTER, _SIZE)),
    "archive_filter_count": (_NUMBER, (_POINTER,)),
    "archive_errno": (_NUMBER, (_POINTER,)),
    "archive_error_string": (_TEXT, (_POINTER,)),
    "archive_entry_pathname_utf8": (_TEXT, (_POINTER,)),
    "archive_entry_pathname": (_TEXT, (_POINTER,)),
    "archive_entry_filetype": (ctypes.c_uint, (_POINTER,)),
    "archive_entry_is_data_encrypted": (_NUMBER, (_POINTER,)),
}


class Form(StrEnum):
    """What it is told to read: the end of the name of the function that says so."""

    CAB = "format_cab"
    CPIO = "format_cpio"
    LHA = "format_lha"
    RAR_4 = "format_rar"
    RAR_5 = "format_rar5"
    SEVEN_ZIP = "format_7zip"
    ZIP = "format_zip_seekable"
    COMPRESS = "filter_compress"
    LZ4 = "filter_lz4"


class Entry(NamedTuple):
    """One entry of an archive; `member` is without a mark if it could be read."""

    member: Member
    is_folder: bool = False


class Unknown(Damaged):
    """It is packed in a way that libarchive does not know."""


@cache
def loaded() -> ctypes.CDLL | None:
    """The library; None where it is not installed."""
    try:
        library = ctypes.CDLL(_NAME)
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        for form in Form:
            getattr(library, f"archive_read_support_{form}").argtypes = (_POINTER,)
        library.archive_read_support_format_raw.argtypes = (_POINTER,)
    except (OSError, AttributeError):
        return None
    return library


def unread() -> tuple[str, ...]:
    """The marks of what cannot be unpacked."""
    return (UNREAD,) if loaded() is not None else (UNREAD, MISSING)


def entries(data: bytes, form: Form, budget: Budget) -> Iterator[Entry]:
    """All entries in their order, folders too, each with as much content as could be unpacked.

    Raises:
        Damaged: no further one can be found (Unknown: as libarchive does not know the form).
    """
    with _opened(data, form) as (library, archive):
        yield from _entries(library, archive, budget)


def stream(data: bytes, form: Form, budget: Budget) -> packing.Pieces:
    """What the first entry unpacks to, of compressed streams the only one."""
    with _opened(data, form) as (library, archive):
        entry = _POINTER()
        if library.archive_read_next_header(archive, ctypes.byref(entry)) < _WARN:
            raise _failure(library, archive)
        if form.startswith("filter") and library.archive_filter_count(archive) < _UNPACKING:
            raise Damaged("its compressed content is damaged")
        yield from _pieces(library, archive, budget)


def ppmd(packed: bytes | memoryview, settings: bytes, size: int, budget: Budget) -> packing.Pieces:
    """What PPMd as in 7z archives (its properties: `settings`) unpacks to, `size` octets.

    It is given as a 7z archive of its own: where the table of contents is packed as well, as it
    nearly always is, libarchive 3.6 now and then takes such content for damaged.
    """
    head = bytes((0x01, 0x04, 0x06, 0x00, 0x01, 0x09)) + _of_7z(len(packed)) + b"\x00"
    head += bytes((0x07, 0x0B, 0x01, 0x00, 0x01, 0x23, 0x03, 0x04, 0x01, len(settings))) + settings
    head += b"\x0c" + _of_7z(size) + bytes((0x00, 0x08, 0x00, 0x00, 0x05, 0x01, 0x11, 0x05, 0x00))
    head += "a\0".encode("utf-16-le") + b"\x00\x00"
    place = struct.pack("<QQI", len(packed), len(head), zlib.crc32(head))
    mark = b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(place))
    yield from stream(b"".join((mark, place, packed, head)), Form.SEVEN_ZIP, budget)


def _of_7z(number: int) -> bytes:
    """A number as 7z writes large ones."""
    return b"\xff" + number.to_bytes(8, "little")


@contextmanager
def _opened(data: bytes, form: Form) -> Iterator[tuple[ctypes.CDLL, int]]:
    library = loaded()
    if library is None:
        raise Unknown(_UNKNOWN)
    archive = library.archive_read_new()
    if not archive:
        raise MemoryError
    try:
        # Not OK: it was built without that, and would start a program in its stead.
        if getattr(library, f"archive_read_support_{form}")(archive) != _OK:
            raise Unknown(_UNKNOWN)
        if form.startswith("filter"):
            library.archive_read_support_format_raw(archive)
        if library.archive_read_open_memory(archive, data, len(data)) < _WARN:
            raise _failure(library, archive)
        yield library, archive
    finally:
        library.archive_read_free(archive)


def _entries(library: ctypes.CDLL, archive: int, budget: Budget) -> Iterator[Entry]:
    entry = _POINTER()
    failures = 0
    while (status := library.archive_read_next_header(archive, ctypes.byref(entry))) != _EOF:
        budget.watch()
        if status < _WARN:
            failures += 1
            if status <= _FATAL or failures >= _FAILURES_MOST:
                raise _failure(library, archive)
            continue
        failures = 0
        name = _name(library, entry)
        if library.archive_entry_filetype(entry) == _FOLDER:
            yield Entry(Member(name), is_folder=True)
        elif library.archive_entry_is_data_encrypted(entry) == 1:
            yield Entry(Member(name, is_locked=True))
        else:
            yield Entry(_member(library, archive, name, budget))


def _member(library: ctypes.CDLL, archive: int, name: str, budget: Budget) -> Member:
    why_unknown = ""

    def pieces() -> packing.Pieces:
        nonlocal why_unknown
        try:
            yield from _pieces(library, archive, budget)
        except Unknown as error:
            why_unknown = str(error)
            raise

    content = packing.gathered(pieces(), budget.limits.member)
    if why_unknown and not content.octets:
        return Member(name, marks=(UNREAD,))
    return Member(name, content.octets, is_cut=content.is_cut, why_not=content.why_not)


def _pieces(library: ctypes.CDLL, archive: int, budget: Budget) -> packing.Pieces:
    """What the current entry unpacks to."""
    buffer = ctypes.create_string_buffer(packing.PIECE)
    while (got := library.archive_read_data(archive, buffer, packing.PIECE)) > 0:
        budget.spend(got)
        yield ctypes.string_at(buffer, got)
    if got < 0:
        failure = _failure(library, archive)
        # Other warnings are about checksums: who opens the file does so all the same.
        if got < _WARN or isinstance(failure, Unknown):
            raise failure


def _failure(library: ctypes.CDLL, archive: int) -> Damaged:
    """What libarchive says, in the words of the house; its own name files and functions."""
    said = (library.archive_error_string(archive) or b"").lower()
    if library.archive_errno(archive) == errno.ENOMEM:
        return Damaged("it asks for too much memory")
    if any(word in said for word in (b"support", b"codec", b"ncrypt")):
        return Unknown(_UNKNOWN)
    return Damaged("its compressed content is damaged")


def _name(library: ctypes.CDLL, entry: ctypes.c_void_p) -> str:
    told = library.archive_entry_pathname_utf8(entry) or library.archive_entry_pathname(entry)
    return (told or b"").decode("utf-8", "replace")


def named(data: bytes, form: Form, names: list[str], budget: Budget) -> Iterator[Member]:
    """The files of these names, each as often as it is named; `unread` is what is not found."""
    wanted: dict[str, list[str]] = {}
    for name in names:
        wanted.setdefault(_plain(name), []).append(name)
    why_not, is_lost = "", False
    try:
        for entry in entries(data, form, budget):
            member = entry.member
            if entry.is_folder or not (asked := wanted.get(_plain(member.name))):
                continue
            # What follows something unknown in a solid archive is not damaged either.
            is_lost = (is_lost or UNREAD in member.marks) and not member.content
            name = asked.pop(0)
            yield Member(name, marks=(UNREAD,)) if is_lost else replace(member, name=name)
    except Unknown:
        pass
    except Damaged as error:
        why_not = str(error)
    for name in (one for left in wanted.values() for one in left):
        yield Member(name, marks=() if why_not else unread(), why_not=why_not)


def _plain(name: str) -> str:
    """A name as archives of all systems have it."""
    return name.replace("\\", "/").strip("/")


def opener(form: Form) -> Opener:
    """An opener for archives that it alone reads."""

    def members(data: bytes, budget: Budget) -> Iterator[Member | str]:
        try:
            for entry in entries(data, form, budget):
                budget.count()
                if not entry.is_folder:
                    yield entry.member
        except Unknown:
            yield from unread()

    return members
