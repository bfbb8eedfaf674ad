"""Octets to text, whatever the sender claims: `decode` never raises.

Order: the declared charset if we know and trust it; UTF-8; a guess from a bounded sample;
windows-1252, where every octet but five means something. Codecs that are no charsets (hex, zip,
rot13, idna, unicode_escape ...) are refused by an allow-list: a message must not choose what code
runs.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

import cchardet

SAMPLE = 16 * 1024  # Octets the guesser sees: its time grows with its input.
UTF7_MAX = 4 * 1024  # Octets: Python's UTF-7 decoder is slow, and large UTF-7 is only ever abuse.
NAME_MAX = 40  # Octets in a charset name; the longest of IANA's preferred names has 22.

_FALLBACK = "cp1252"
_NAME = re.compile(r"[A-Za-z0-9_.:()+-]{1,40}")

# Names senders use that Python does not know.
_ALIASES = {
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601": "cp949",
    "x-euc-jp": "euc_jp",
    "x-sjis": "cp932",
    "shift-jis": "cp932",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "ansi_x3.4-1968": "cp1252",
    "x-mac-roman": "mac_roman",
    "x-cp1252": "cp1252",
    "x-cp1251": "cp1251",
    "utf8mb4": "utf_8",
    "unicode-1-1-utf-8": "utf_8",
    "unicode-1-1-utf-7": "utf_7",
}

# Codecs narrower than what senders mean by the name (WHATWG Encoding Standard, section 4.2).
_WIDER = {
    "ascii": "",  # A claim of nothing: what is not ASCII then is as good as undeclared.
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
}

_ALLOWED = frozenset(
    (
        "utf-8",
        "utf-7",
        "utf-16",
        "utf-16-be",
        "utf-16-le",
        "utf-32",
        "utf-32-be",
        "utf-32-le",
        "big5",
        "big5hkscs",
        "cp949",
        "cp932",
        "gb18030",
        "hz",
        "johab",
        "shift_jisx0213",
        "shift_jis_2004",
        "euc_jp",
        "euc_jis_2004",
        "euc_jisx0213",
        "iso2022_jp_1",
        "iso2022_jp_2",
        "iso2022_jp_2004",
        "iso2022_jp_3",
        "iso2022_jp_ext",
        "iso2022_kr",
        "koi8-r",
        "koi8-u",
        "koi8-t",
        "kz1048",
        "ptcp154",
        "cp037",
        "cp437",
        "cp500",
        "cp737",
        "cp775",
        "cp850",
        "cp852",
        "cp855",
        "cp856",
        "cp857",
        "cp858",
        "cp860",
        "cp861",
        "cp862",
        "cp863",
        "cp864",
        "cp865",
        "cp866",
        "cp869",
        "cp874",
        "cp875",
        "cp950",
        "cp1006",
        "cp1026",
        "cp1125",
        "cp1140",
        "cp1250",
        "cp1251",
        "cp1252",
        "cp1253",
        "cp1254",
        "cp1255",
        "cp1256",
        "cp1257",
        "cp1258",
        "iso8859-2",
        "iso8859-3",
        "iso8859-4",
        "iso8859-5",
        "iso8859-6",
        "iso8859-7",
        "iso8859-8",
        "iso8859-10",
        "iso8859-13",
        "iso8859-14",
        "iso8859-15",
        "iso8859-16",
        "mac-roman",
        "mac-cyrillic",
        "mac-greek",
        "mac-latin2",
        "mac-turkish",
        "mac-iceland",
    )
)


def decode(raw: bytes, declared: str | bytes | None = None) -> str:
    """Return `raw` as text, a byte order mark left out.

    Lines and controls stay as they are; lone surrogates never appear.
    """
    codec = codec_for(declared) if declared else ""
    if raw.isascii() and not _changes_ascii(codec):
        return raw.decode("ascii")
    if codec and not (codec == "utf-7" and len(raw) > UTF7_MAX):
        text = _try(raw, codec)
        if text is not None:
            return text
    text = _try(raw, "utf-8")
    if text is not None:
        return text
    if codec and codec not in ("cp1252", "utf-7"):
        text = _clean(raw.decode(codec, "replace"))
        # Declared and nearly right: one broken character must not turn a page into noise.
        if text.count("\ufffd") * 4 <= _count_beyond_ascii(text):
            return text
    return _guess(raw)


def _count_beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def codec_for(declared: str | bytes | None) -> str:
    """Return the Python codec for a declared charset, "" if it is unknown or refused."""
    if not declared or len(declared) > 4 * NAME_MAX:
        return ""
    name = declared.decode("latin-1") if isinstance(declared, bytes) else declared
    # RFC 2231 section 5: "charset*language" in encoded words.
    return _codec(name.partition("*")[0].strip("\"' \t\r\n").lower())


@lru_cache(maxsize=256)
def _codec(name: str) -> str:
    if not _NAME.fullmatch(name):
        return ""
    try:
        found = codecs.lookup(_ALIASES.get(name, name)).name
    except (LookupError, ValueError):
        return ""
    found = _WIDER.get(found, found)
    return found if found in _ALLOWED else ""


_NOT_ASCII = ("utf-7", "utf-16", "utf-32", "iso2022", "hz", "cp037", "cp500", "cp1026", "cp1140")


def _changes_ascii(codec: str) -> bool:
    """Tell whether octets below 0x80 may mean something else than ASCII in this codec."""
    return codec.startswith(_NOT_ASCII) or codec in ("cp875", "cp864")


def _try(raw: bytes, codec: str) -> str | None:
    try:
        text = raw.decode(codec)
    except (UnicodeError, ValueError):
        return None
    return _clean(text).removeprefix("\ufeff")


def _clean(text: str) -> str:
    """Replace lone surrogates (UTF-7 and UTF-16 decoders can leave them): no codec writes them."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def _guess(raw: bytes) -> str:
    try:
        guessed = cchardet.detect(raw[:SAMPLE])["encoding"]
    except (ValueError, RuntimeError):
        guessed = None
    codec = codec_for(guessed)
    text = _try(raw, codec) if codec else None
    return text if text is not None else raw.decode(_FALLBACK, "replace")
