"""What a file is by its content, whatever its name and its Content-Type say. Pure.

A small table of our own: the forms that attacks come in, and the ones that honest mail is full of.
A kind is a short stable word; administrators may write it into a policy.
"""

import re
import zlib
from collections.abc import Iterable
from typing import Final

from apps.scan.attachments import starts

_START: Final = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08PK\x03\x04", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"MSCF\x00\x00\x00\x00", "cab"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x1f\x9d", "compress"),
    (b"07070", "cpio"),
    (b"conectix", "disk"),
    (b"vhdxfile", "disk"),
    (b"KDMV", "disk"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rt", "rtf"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "onenote"),
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"\x4c\x00\x00\x00\x01\x14\x02\x00", "shortcut"),
    (b"ITSF\x03\x00\x00\x00", "help"),
    (b"\x7fELF", "program"),
    (b"\xfe\xed\xfa\xce", "program"),
    (b"\xfe\xed\xfa\xcf", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"\xca\xfe\xba\xbe\x00\x00\x00", "program"),  # Java class, Mach-O for several processors
    (b"dex\n03", "program"),
    (b"\x00asm\x01", "program"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"ID3", "audio"),
    (b"OggS", "audio"),
    (b"fLaC", "audio"),
    (b"\x1a\x45\xdf\xa3", "video"),
    (b"\x00\x00\x01\x00", "icon"),
)
ARCHIVES: Final = frozenset(
    "zip 7z rar gzip bzip2 xz zstd cab lz4 compress arj ace lzh cpio tar iso disk".split()
)
HOLDERS: Final = ARCHIVES | frozenset(
    "ole onenote tnef mail rtf pdf html svg uuencode base64 signed program".split()
)
"""What has files inside it, or may hide them."""

NEVER_SHOWN: Final = ARCHIVES | frozenset("ole onenote tnef rtf pdf program".split())
"""What no mail program shows as text, whatever its Content-Type: it is offered as a file."""

KINDS: Final = (
    frozenset(kind for _, kind in _START)
    | HOLDERS
    | frozenset("webp xml script text data empty unknown ooxml odf jar apk".split())
)
"""All there are; the last four are zip archives that are known by what is in them."""

_HEAD: Final = 4_096
_ISO_AT: Final = 32_768
_TAG = re.compile(
    rb"<(?:!doctype\s{1,9}html|html|head|body|script|iframe|meta|form|table|div|a\s{1,9}href|"
    rb"!doctype\s{1,9}svg|svg)[\s>/=]"
)
_FIELD = re.compile(
    rb"^(?:received|return-path|from|to|subject|date|message-id|mime-version|content-type|"
    rb"dkim-signature|delivered-to|x-[a-z-]{1,40}):",
    re.I | re.M,
)
_UUENCODED = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} [^\r\n]{1,200}\r?$", re.M)
_BASE64 = re.compile(rb"[A-Za-z0-9+/\r\n]{64,}+[=\r\n]{0,9}")
_ENDINGS: Final = {
    **dict.fromkeys(("html", "htm", "shtml", "shtm", "xhtml", "xht", "mht", "mhtml"), "html"),
    **dict.fromkeys(("eml", "mbox"), "mail"),
    "svg": "svg",
    "uue": "uuencode",
    "rtf": "rtf",
}
_TYPES: Final = {"text/html": "html", "message/rfc822": "mail", "image/svg+xml": "svg"}
_SIGNED: Final = bytes.fromhex("06092a864886f70d010702")  # id-signedData (RFC 5652)
_LZH = re.compile(rb"-(?:lh[0-9a-z]|lz[s2-8]|pm[0-9s])-")
_TAR_SUM = re.compile(rb" {0,6}([0-7]{1,6})[\x00 ]")


def kind_named(data: bytes, endings: Iterable[str], declared: str) -> str:
    """What this is; if it is mere text, what a name or Content-Type has programs take it for."""
    kind = kind_of(data)
    if kind not in {"text", "xml"}:
        return kind
    named = (_ENDINGS[ending] for ending in endings if ending in _ENDINGS)
    return next(named, _TYPES.get(declared, kind))


def kind_of(data: bytes) -> str:
    """What this is by its content; "text" or "data" if nothing else is known of it."""
    for start, kind in _START:
        if data.startswith(start):
            return kind
    return _by_place(data) or _by_text(data[:_HEAD]) or _by_depth(data) or _plain(data[:_HEAD])


def _by_place(data: bytes) -> str:
    if data.startswith((b"MZ", b"ZM")) and _is_program(data):
        return "program"
    if data[8:12] in {b"WEBP", b"AVI ", b"WAVE"} and data.startswith(b"RIFF"):
        return {b"WEBP": "webp", b"AVI ": "video"}.get(data[8:12], "audio")
    if data[:1] == b"0" and _SIGNED in data[:32]:
        return "signed"
    if data[4:8] == b"ftyp":
        return "video"
    if data[7:14] == b"**ACE**":
        return "ace"
    if _LZH.match(data[2:7]):
        return "lzh"
    if data.startswith(b"\x60\xea") and _is_arj(data):
        return "arj"
    if data[257:262] == b"ustar" or _is_old_tar(data):
        return "tar"
    return _disk(data)


def _is_program(data: bytes) -> bool:
    """A DOS header whose pointer leads to a Windows (PE), OS/2 (NE, LE) or no header at all."""
    at = int.from_bytes(data[0x3C:0x40], "little")
    if data[at : at + 2] in {b"PE", b"NE", b"LE", b"LX"} and at >= 4:
        return True
    # A DOS program has binary numbers in its header; a text that begins with MZ has none.
    return b"\x00" in data[2:28] and len(data) > 64


def _is_arj(data: bytes) -> bool:
    """Two octets are a weak mark: the checksum of the first header has to be right."""
    end = 4 + int.from_bytes(data[2:4], "little")
    return end >= 34 and zlib.crc32(data[4:end]).to_bytes(4, "little") == data[end : end + 4]


def _is_old_tar(data: bytes) -> bool:
    """The form before POSIX has no mark: its checksum tells it."""
    head = data[:512]
    told = _TAR_SUM.match(head, 148)
    if len(head) < 512 or not head[0] or told is None:
        return False
    return int(told[1], 8) == sum(head) - sum(head[148:156]) + 8 * 0x20


def _disk(data: bytes) -> str:
    if data[_ISO_AT + 1 : _ISO_AT + 6] in {b"CD001", b"BEA01", b"NSR02", b"NSR03"}:
        return "iso"
    if data[510:512] == b"\x55\xaa" and (data[54:57] == b"FAT" or data[82:85] == b"FAT"):
        return "disk"
    if data[3:11] == b"NTFS    " or data[-512:-504] == b"conectix":
        return "disk"
    return ""


def _by_text(head: bytes) -> str:
    if b"%PDF-" in head[:1_024]:
        return "pdf"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head[2:].replace(b"\x00", b"")
    if text.startswith(b"<"):
        found = _TAG.search(text.lower())
        if found is not None:
            return "svg" if b"svg" in found[0] else "html"
    if text.startswith(b"<?xml"):
        return "xml"
    if text.startswith(b"From "):
        text = text.partition(b"\n")[2]  # a mailbox file
    if _FIELD.match(text) and len({found.lower() for found in _FIELD.findall(text)}) >= 3:
        return "mail"
    if _UUENCODED.search(text):
        return "uuencode"
    if _BASE64.fullmatch(text):
        return "base64"
    return "script" if text.startswith((b"#!/", b"<%", b"<?php")) else ""


def _by_depth(data: bytes) -> str:
    """An archive may have anything before it; readers look for its mark, of zip for its end."""
    for kind in ("rar", "7z"):
        if starts.start(data, kind) >= 0:
            return kind
    at = data.rfind(b"PK\x05\x06", -66_000 if len(data) > 66_000 else 0)
    return "zip" if at >= 0 and at + 22 <= len(data) and b"PK\x01\x02" in data else ""


def _plain(head: bytes) -> str:
    return "data" if b"\x00" in head else "text"
