"""What a reader is told within cleaned HTML: links whose words show another host than theirs, and
pictures that are not there.

It works on what the sanitizer wrote, token by token, and puts its own markup between tokens alone.
In that text `<` begins a tag and nothing else (nh3 escapes it in text and in attributes); where a
tag cannot be read, all is left as it was, so that no attribute is ever broken open.
"""

import html as entities
import re
from dataclasses import dataclass
from typing import Final

from django.utils.html import escape
from django.utils.translation import gettext as _

from apps.scan.links.shown import shown
from apps.scan.urls import WEB, read

GONE: Final = "#blocked"  # in place of an address of a picture that is not asked for
_MOST_WORDS: Final = 500  # characters of a link's words that are looked at
_MOST_MARKS: Final = 500  # of one message
_TINY: Final = re.compile(r"\s*[0-2](?:px)?\s*")

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)((?: [^\s\"'<>=/]+=\"[^\"]*\")*) ?/?>")
_ATTRIBUTE = re.compile(r" ([^\s\"'<>=/]+)=\"([^\"]*)\"")
# Its own look whatever the style sheets of the mail say, above whatever they shift over it: nothing
# of the mail has a place in the third dimension.
_LOOK: Final = (
    "all:initial!important;display:inline!important;position:relative!important;"
    "z-index:2147483647!important;margin-inline-start:.35em!important;"
    "padding:0 .35em!important;border:1px solid #b45309!important;border-radius:3px!important;"
    "background:#fff7ed!important;color:#7c2d12!important;"
    "font:12px/1.5 system-ui,sans-serif!important"
)


@dataclass(slots=True)
class Marked:
    """The HTML with its marks, how many pictures were too small to be seen, and whether any other
    one is there."""

    html: str
    trackers: int = 0
    has_pictures: bool = False


def mark(html: str) -> Marked:
    """Add what a reader has to know to HTML that the sanitizer wrote."""
    made = Marked(html)
    kept: list[str] = []
    link = ""  # where the open one leads
    words: list[str] = []
    at, marks = 0, 0
    while (start := html.find("<", at)) >= 0:
        tag = _TAG.match(html, start)
        if tag is None:
            return Marked(html)  # no token of the sanitizer's: nothing is touched
        text = html[at:start]
        kept.append(text)
        if link:
            words.append(text)
        at = tag.end()
        if tag[2] == "img":
            kept.append(_picture(tag, made))
            continue
        kept.append(tag[0])
        if tag[2] != "a":
            continue
        if tag[1]:
            note = _note(link, words) if marks < _MOST_MARKS else ""
            marks += bool(note)
            kept.append(note)
        link, words = "" if tag[1] else _attributes(tag).get("href", ""), []
    kept.append(html[at:])
    made.html = "".join(kept)
    return made


def _attributes(tag: re.Match[str]) -> dict[str, str]:
    return {found[1]: entities.unescape(found[2]) for found in _ATTRIBUTE.finditer(tag[3])}


def _picture(tag: re.Match[str], made: Marked) -> str:
    """An `img` as it may stay: one that cannot be seen goes, one without an address is empty."""
    has = _attributes(tag)
    source = has.get("src", "")
    is_outside = source == GONE or source.startswith("/img/")
    sizes = [has[name] for name in ("width", "height") if name in has]
    if is_outside and sizes and all(_TINY.fullmatch(size) for size in sizes):
        made.trackers += 1
        return ""
    made.has_pictures = True
    return tag[0].replace(f' src="{GONE}"', "", 1)


def _note(link: str, words: list[str]) -> str:
    """The host that a link really leads to, if its words show another one; else ""."""
    said = shown(entities.unescape("".join(words)[:_MOST_WORDS]))
    target = read(link) if said is not None else None
    if said is None or target is None or target.scheme not in WEB:
        return ""
    if said.url.organisation == target.organisation:
        return ""
    text = _("leads to %(host)s") % {"host": target.host}
    return f'<span class="mh-note" style="{_LOOK}">{escape(text)}</span>'
