"""Which opener opens which kind of file."""

from collections.abc import Mapping
from typing import Final

from apps.scan.attachments import library
from apps.scan.attachments.member import Opener
from apps.scan.attachments.openers import (
    aces,
    appended,
    arjs,
    cabs,
    htmls,
    isos,
    mails,
    oles,
    onenotes,
    pdfs,
    rars,
    rtfs,
    sevenzip,
    signed,
    streams,
    tars,
    tnefs,
    zips,
)

OPENERS: Final[Mapping[str, Opener]] = {
    "zip": zips.members,
    "7z": sevenzip.members,
    "rar": rars.members,
    "cab": cabs.members,
    "tar": tars.members,
    "gzip": streams.gzip,
    "bzip2": streams.bzip2,
    "xz": streams.xz,
    "zstd": streams.zstd,
    "lz4": streams.lz4,
    "compress": streams.compress,
    "lzh": library.opener(library.Form.LHA),
    "cpio": library.opener(library.Form.CPIO),
    "arj": arjs.members,
    "ace": aces.members,
    "program": appended.members,
    "iso": isos.members,
    "tnef": tnefs.members,
    "mail": mails.members,
    "uuencode": mails.uuencoded,
    "base64": mails.base64_text,
    "signed": signed.members,
    "ole": oles.members,
    "rtf": rtfs.members,
    "onenote": onenotes.members,
    "pdf": pdfs.members,
    "html": htmls.members,
    "svg": htmls.members,
}
