"""What the name of a file claims, and the tricks by which it claims something else. Pure.

Windows opens a file by what follows the last dot, once it has dropped dots and blanks at the end;
mail programs show names with all that Unicode offers. Attackers live in the difference.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Final

MOST: Final = 255  # characters of a name that are looked at and kept

GROUPS: Final[Mapping[str, frozenset[str]]] = {
    "program": frozenset(
        "exe com scr pif cpl dll sys drv ocx msp gadget jar class application xll wll "
        "elf run appimage".split()
    ),
    "installer": frozenset(
        "msi msix msixbundle appx appxbundle appinstaller mst deb rpm apk pkg dmg".split()
    ),
    "script": frozenset(
        "js jse vbs vbe vb wsf wsh wsc ws sct bat cmd ps1 ps1xml ps2 psc1 psd1 psm1 hta "
        "ahk au3 jnlp scpt workflow mshxml desktop".split()
    ),
    "shortcut": frozenset(
        "lnk scf ins isp job reg msc library-ms search-ms searchconnector-ms "
        "settingcontent-ms theme themepack application-ms appref-ms diagcab chm hlp".split()
    ),
    "link": frozenset("url website webloc rdp".split()),
    "disk": frozenset("iso img vhd vhdx udf vmdk daa uif isz".split()),
    "archive": frozenset(
        "zip zipx rar r00 7z tar tgz tbz tbz2 txz tzst gz bz2 xz zst lz lz4 z cab arj ace lzh lha "
        "uu uue xxe alz egg".split()
    ),
}
"""File name endings by what opening such a file does, the most dangerous groups first."""
DANGEROUS: Final = ("program", "installer", "script", "shortcut")
_GROUP_OF: Final = {ending: group for group, endings in GROUPS.items() for ending in endings}

_SHOWN: Final = frozenset(
    "pdf doc docx xls xlsx ppt pptx odt ods txt rtf csv jpg jpeg png gif bmp tif tiff webp heic "
    "mp3 mp4 wav avi mov htm html xml eml msg ics log zip rar".split()
)
"""Endings that people open without a thought: in the middle of a name they are there to calm."""

_REVERSERS = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_UNSEEN = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad\u115f\u1160\u3164\u2800\u034f]")
_STOPS = str.maketrans({"\u2024": ".", "\u3002": ".", "\uff61": ".", "\uff0e": "."})
_GAP = re.compile(r"\s{4}")
_ENDING = re.compile(r"\.([^.\s/\\]{1,24})$")


def leaf(name: str) -> str:
    """The name without folders, as one line that is fit to be shown."""
    last = re.split(r"[/\\]", name[:4_096])[-1]
    shown = "".join(c if c.isprintable() else "\ufffd" for c in last)
    return shown.strip()[:MOST]


def ending(name: str) -> str:
    """What decides by which program a file is opened, lower case without its dot; "" if none."""
    found = _ENDING.search(_plain(name))
    return found[1] if found else ""


def endings(name: str) -> tuple[str, ...]:
    """All endings that one reader or another may see: at a NUL some stop, others go on."""
    pieces = name[:4_096].split("\x00")
    found = [ending(pieces[0]), ending("".join(pieces)), ending(pieces[-1])]
    return tuple(dict.fromkeys(one for one in found if one))


def group(name: str) -> str:
    """The group of `GROUPS` that the name belongs to, the most dangerous of its readings."""
    found = {_GROUP_OF.get(one, "") for one in endings(name)}
    return gravest(found)


def gravest(groups: Collection[str]) -> str:
    """The most dangerous of these groups, "" if there is none."""
    return next((one for one in GROUPS if one in groups), "")


def disguises(name: str) -> list[str]:
    """By which tricks the name of a dangerous file looks harmless, in words; [] if by none."""
    if group(name) not in DANGEROUS:
        return []
    found = []
    if _REVERSERS.search(name):
        found.append("characters that turn the direction of writing")
    if _UNSEEN.search(name):
        found.append("characters that cannot be seen")
    if "\x00" in name:
        found.append("a NUL in the middle")
    if _GAP.search(name.strip()):
        found.append("many blanks before its end")
    if name.rstrip("\x00") != name.rstrip("\x00").rstrip(" ."):
        found.append("dots or blanks at its end")
    if name.translate(_STOPS) != name:
        found.append("a dot that is none")
    first = _second_ending(name)
    if first in _SHOWN:
        found.append(f"a second ending .{first}")
    return found


def oddities(name: str) -> list[str]:
    """What is strange about a name, whatever its file is."""
    found = []
    if "\u202e" in name or "\u202d" in name:
        found.append("is written in another direction than it reads")
    if "\x00" in name:
        found.append("has a NUL in the middle")
    if _GAP.search(name.strip()):
        found.append("has many blanks in the middle")
    return found


def _second_ending(name: str) -> str:
    plain = _plain(name)
    last = _ENDING.search(plain)
    return ending(plain[: last.start()]) if last else ""


def _plain(name: str) -> str:
    """As the system that opens the file reads it."""
    text = unicodedata.normalize("NFKC", name[-4_096:].translate(_STOPS))
    text = _UNSEEN.sub("", _REVERSERS.sub("", text)).replace("\x00", "")
    # A stream of a file on NTFS: `x.exe::$DATA` is `x.exe`.
    text = re.sub(r":[^/\\]{0,100}$", "", text)
    return text.lower().rstrip(" .\t\r\n")
