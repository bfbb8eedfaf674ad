"""Whether a message is work for the heavy lane: asked before anything is decoded. Pure."""

from typing import Final

from apps.scan.attachments import names
from apps.scan.letter import Letter

_SIZE: Final = 1024 * 1024
_HEAVY_TYPES: Final = (
    "application/zip",
    "application/x-zip",
    "application/x-7z",
    "application/x-rar",
    "application/vnd.rar",
    "application/x-tar",
    "application/gzip",
    "application/x-gzip",
    "application/x-bzip",
    "application/x-xz",
    "application/zstd",
    "application/x-lzh",
    "application/x-arj",
    "application/x-ace",
    "application/x-iso",
    "application/vnd.ms-cab",
    "application/java-archive",
    "application/x-cd-image",
)


def is_heavy(letter: Letter) -> bool:
    """Whether it is large, or brings archives or disk images, by what it says of itself.

    What lies about it costs the fast lane no more than the limits of one message.
    """
    if len(letter.raw) > _SIZE:
        return True
    return any(
        part.type.startswith(_HEAVY_TYPES)
        or (part.type in {"message/rfc822", "application/ms-tnef"} and part.size > _SIZE // 8)
        or any(names.group(name) in {"archive", "disk"} for name in part.names)
        for part in letter.parts
    )
