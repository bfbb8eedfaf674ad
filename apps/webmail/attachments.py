"""The attachments of a message as a reader sees them: what each says that it is, whether that is
so, and whether there is a preview."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.mime import decode
from apps.mime.reading import File
from apps.mime.tree import Part, scan_tree
from apps.scan.attachments import kinds, names
from apps.webmail import preview

_HEAD: Final = 48 * 1024  # octets, decoded, that are looked at
_CLAIMS: Final = {
    "pdf": {"pdf"},
    "png": {"png"},
    "jpg": {"jpeg"},
    "jpeg": {"jpeg"},
    "gif": {"gif"},
    "webp": {"webp"},
    "docx": {"zip", "ole"},
    "xlsx": {"zip", "ole"},
    "pptx": {"zip", "ole"},
    "doc": {"ole", "rtf", "zip"},
    "xls": {"ole", "zip"},
    "ppt": {"ole", "zip"},
    "zip": {"zip"},
    "txt": {"text", "xml", "mail", "base64", "script", "uuencode"},
}
"""What a file of this ending may be by its content; all other endings claim nothing."""
_WORDS: Final = {
    "program": gettext_lazy("a program"),
    "html": gettext_lazy("a web page"),
    "svg": gettext_lazy("a drawing that can run scripts"),
    "script": gettext_lazy("a script"),
    "shortcut": gettext_lazy("a shortcut that starts a program"),
    "pdf": gettext_lazy("a PDF"),
    "zip": gettext_lazy("an archive"),
    "ole": gettext_lazy("an Office document"),
    "disk": gettext_lazy("a disk image"),
    "iso": gettext_lazy("a disk image"),
    "text": gettext_lazy("plain text"),
}
_BY_TYPE: Final = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/zip": "zip",
    "text/plain": "txt",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message.

    Args:
        warning: a sentence if it is not what it says, or dangerous to open; else "".
        preview: which preview it has, "" for none.
        hue: of its tile, 1 to 8.
    """

    number: int
    name: str
    mime_type: str
    size: int  # octets, about
    tile: str
    hue: int
    warning: str
    preview: str


def listing(raw: bytes, files: Iterable[File]) -> tuple[Attachment, ...]:
    """The files of a message; of each only the beginning is decoded."""
    found = list(files)
    parts = scan_tree(raw).walk() if found else []
    return tuple(_attachment(raw, parts[file.number], file) for file in found)


def _attachment(raw: bytes, part: Part, file: File) -> Attachment:
    head = _head(raw, part)
    is_message = part.is_message
    return Attachment(
        number=file.number,
        name=file.name,
        mime_type=file.mime_type,
        size=file.size,
        tile=file.extension,
        hue=1 + sum(map(ord, file.extension)) % 8,
        warning="" if is_message else warning(file.name, file.mime_type, head),
        preview="" if is_message else preview.kind(head, file.mime_type, file.size),
    )


def _head(raw: bytes, part: Part) -> bytes:
    encoded = raw[part.body_start : min(part.body_end, part.body_start + 2 * _HEAD)]
    return decode.body(encoded, part.encoding)[:_HEAD]


def warning(name: str, mime_type: str, head: bytes) -> str:
    """A sentence for people if a file is not what its name or type says, or runs when it is
    opened; "" if nothing is wrong with it.

    Args:
        head: its first octets; none if it is empty, of which nothing can be said.
    """
    if not head:
        return ""
    kind = kinds.kind_named(head, names.endings(name), mime_type)
    hidden = names.disguises(name)
    group = names.group(name)
    if hidden:
        return _("Its name hides that it is %(kind)s.") % {"kind": _group_words(group)}
    claim = _claim(name, mime_type)
    if claim and kind not in _CLAIMS[claim] and kind not in {"empty", "unknown"}:
        words = _WORDS.get(kind, _("something else"))
        return _("It says %(claim)s, but is %(kind)s.") % {"claim": claim.upper(), "kind": words}
    if group in names.DANGEROUS:
        return _("It is %(kind)s: opening it can do harm.") % {"kind": _group_words(group)}
    if kind in {"program", "shortcut"}:
        return _("It is %(kind)s: opening it can do harm.") % {"kind": _WORDS[kind]}
    return ""


def _claim(name: str, mime_type: str) -> str:
    """What a reader takes the file for: its name's ending if that says something, else its type."""
    ending = names.ending(name)
    if ending:
        return ending if ending in _CLAIMS else ""
    return _BY_TYPE.get(mime_type, "")


def _group_words(group: str) -> str:
    return {
        "program": _("a program"),
        "installer": _("an installer"),
        "script": _("a script"),
        "shortcut": _("a shortcut that starts a program"),
    }.get(group, _("a program"))
