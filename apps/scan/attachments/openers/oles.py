"""OLE compound files: Office before 2007, Outlook messages, MSI, and what newer documents embed.

By olefile. Handed over are macro sources (unpacked), embedded files (also of Outlook messages),
and marks: `macros`, `installer`. A document that is encrypted is Locked.
"""

import io
import re
import struct
from collections.abc import Iterator
from typing import Any, Final

import olefile

from apps.scan.attachments import packing
from apps.scan.attachments.budget import Budget, Damaged, Locked
from apps.scan.attachments.member import INSTALLER, MACROS, OBJECT, SOURCE, Member
from apps.scan.attachments.openers import vba

_STREAM_MOST: Final = 16 * 1024 * 1024
# A container, its first chunk, and eight characters of what every module begins with.
_MACRO_START = re.compile(rb"\x01[\x00-\xff][\xb0-\xbf]\x00Attribut")
_PACKAGE: Final = "\x01ole10native"
_SLIDES: Final = "powerpoint document"
# Objects of slides (MS-PPT 2.10.34, ExOleObjStgCompressedAtom): version and instance, type, size.
_SLIDE_OBJECT: Final = b"\x10\x00\x11\x10"
_ATTACHED_DATA: Final = "__substg1.0_3701"
_ATTACHED_NAMES: Final = ("__substg1.0_3707001f", "__substg1.0_3704001f", "__substg1.0_3001001f")
# The class of Windows Installer packages: 000C1084-0000-0000-C000-000000000046, and of patches …86.
_INSTALLERS: Final = frozenset(
    {"000C1084-0000-0000-C000-000000000046", "000C1086-0000-0000-C000-000000000046"}
)


def members(data: bytes, budget: Budget) -> Iterator[Member | str]:
    """What is inside a compound file."""
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as file:
            yield from _members(file, budget)
    except (OSError, ValueError, IndexError, TypeError, struct.error, RecursionError) as error:
        raise Damaged("it is damaged inside") from error


def _members(file: Any, budget: Budget) -> Iterator[Member | str]:
    paths = file.listdir()
    budget.count(len(paths))
    lowered = {tuple(name.lower() for name in path) for path in paths}
    if ("encryptedpackage",) in lowered:
        raise Locked
    if str(getattr(file.root, "clsid", "")).upper() in _INSTALLERS:
        yield INSTALLER
    if any("vba" in path[:-1] or "_vba_project" in path for path in lowered):
        yield MACROS
    for path in paths:
        yield from _stream(file, path, budget)


def _stream(file: Any, path: list[str], budget: Budget) -> Iterator[Member]:
    last = path[-1].lower()
    in_macros = any(name.lower() == "vba" for name in path[:-1])
    if not (in_macros or last in {_PACKAGE, _SLIDES} or last.startswith(_ATTACHED_DATA)):
        return
    if file.get_type(path) != olefile.STGTY_STREAM:
        return  # a message attached to an Outlook message: its streams come by themselves
    content = _read(file, path, budget)
    if in_macros:
        yield from _macro(path[-1], content, budget)
    elif last == _PACKAGE:
        yield package(content)
    elif last == _SLIDES:
        yield from _slides(content, budget)
    else:
        yield Member(_attached_name(file, path, budget) or path[-1], content)


def _read(file: Any, path: list[str], budget: Budget) -> bytes:
    with file.openstream(path) as stream:
        content: bytes = stream.read(_STREAM_MOST)
    budget.spend(len(content))
    return content


def _macro(name: str, content: bytes, budget: Budget) -> Iterator[Member]:
    """The source stands after code compiled before; where, only `dir` knows: its start shows."""
    found = _MACRO_START.search(content)
    if found is None:
        return
    yield Member(f"{name}.bas", vba.unpacked(content[found.start() :], budget), marks=(SOURCE,))


def _slides(content: bytes, budget: Budget) -> Iterator[Member]:
    """Objects in slides, macros too, are compound files of their own, packed."""
    at = content.find(_SLIDE_OBJECT)
    while at >= 0:
        start = at + 12  # and the size unpacked
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        packed = memoryview(content)[start : at + 8 + size]
        unpacked = packing.gathered(packing.deflated(packed, budget, form=15), _STREAM_MOST)
        yield Member("", unpacked.octets, marks=(OBJECT,))
        at = content.find(_SLIDE_OBJECT, start + max(size - 4, 0))


def package(content: bytes) -> Member:
    """An embedded file: size, label, its path where it was, a temporary path, the octets."""
    at = 6
    label, at = _text(content, at)
    path, at = _text(content, at)
    at += 8
    _, at = _text(content, at)
    size = int.from_bytes(content[at : at + 4], "little")
    if not 0 < size <= len(content) - at - 4:
        return Member(label or "embedded", content[4:])
    return Member(path or label, content[at + 4 : at + 4 + size])


def _text(content: bytes, at: int) -> tuple[str, int]:
    end = content.find(b"\x00", at, at + 1_024)
    if end < 0:
        return "", at
    return content[at:end].decode("cp1252", "replace"), end + 1


def _attached_name(file: Any, path: list[str], budget: Budget) -> str:
    for name in _ATTACHED_NAMES:
        there = [*path[:-1], name]
        if file.exists(there):
            return _read(file, there, budget).decode("utf-16-le", "replace").rstrip("\0")
    return ""
