"""Web addresses in a stranger's text as links. Everything is escaped here; one linear pass."""

import re
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.mime.address import mixes_scripts

# An address ends where something stands that none holds bare: blanks, quotes of any language,
# brackets, and what nobody sees or what turns the text round.
_ENDS: Final = (
    r"\s<>\"'`{}|\\^\x00-\x20\x7f-\xa0\u00ab\u00ad\u00bb\u061c\u180e\u200b-\u200f\u2018-\u201f"
    r"\u2028-\u202e\u2039\u203a\u2060-\u206f\u3000-\u3002\ufeff\ufff9-\ufffb"
)
_LINK: Final = re.compile(rf"(?:https?://|(?<![\w@./-])www\.)[^{_ENDS}]{{1,2000}}", re.IGNORECASE)
_TRAILING: Final = ".,;:!?)]*_\u2026"
_HOST: Final = re.compile(r"[^/?#:@]{1,255}(?::[0-9]{1,5})?")


def linkify(text: str) -> SafeString:
    """Escaped text whose web addresses are links."""
    parts, at = [], 0
    for match in _LINK.finditer(text):
        link = _trimmed(match.group())
        target = link if link[:4].lower() == "http" else f"https://{link}"
        if not _is_plain(target):
            continue
        parts.append(format_html("{}", text[at : match.start()]))
        parts.append(
            format_html(
                '<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>', target, link
            )
        )
        at = match.start() + len(link)
    parts.append(format_html("{}", text[at:]))
    return format_html_join("", "{}", ((part,) for part in parts))


def _trimmed(link: str) -> str:
    """Without what ends the sentence; a bracket stays if it was opened within."""
    short = link.rstrip(_TRAILING)
    if "(" in short and short.count("(") > short.count(")"):
        short = link[: len(short) + 1] if link[len(short) : len(short) + 1] == ")" else short
    return short


def _is_plain(target: str) -> bool:
    """Whether people can see where it leads: `https://bank.example@evil.invalid/` hides its host
    behind a name, and a host of mixed scripts looks like another one."""
    authority = re.split(r"[/?#]", target.partition("://")[2], maxsplit=1)[0]
    if _HOST.fullmatch(authority) is None:
        return False
    labels = authority.partition(":")[0].split(".")
    return authority.isascii() or not any(mixes_scripts(label) for label in labels)
