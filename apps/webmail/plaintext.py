"""Plain text of mail as blocks for the page: paragraphs, quoted parts folded, links made clickable.

Everything is escaped here; one linear pass, whatever the text.
"""

import re
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

LARGEST_TEXT = 500_000  # characters shown; the rest is one click away as the original
MOST_BLOCKS = 1_000
_LINK = re.compile(r"https?://[^\s<>\"'`{}|\\^\x00-\x20]{1,2000}", re.IGNORECASE)
_TRAILING = ".,;:!?)]*_"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together; quoted ones are folded on the page."""

    html: SafeString
    is_quote: bool


def blocks(text: str) -> list[Block]:
    """The text in order; a quote is a run of lines that begin with `>`.

    What comes after MOST_BLOCKS is one last block.
    """
    found: list[Block] = []
    lines: list[str] = []
    quoted = False
    for line in text[:LARGEST_TEXT].replace("\r\n", "\n").split("\n"):
        is_quote = line.startswith(">") and len(found) < MOST_BLOCKS
        if is_quote != quoted and lines:
            found.append(_block(lines, is_quote=quoted))
            lines = []
        quoted = is_quote
        lines.append(line)
    if lines:
        found.append(_block(lines, is_quote=quoted))
    return [block for block in found if block.html]


def _block(lines: list[str], *, is_quote: bool) -> Block:
    return Block(linkify("\n".join(lines).strip("\n")), is_quote)


def linkify(text: str) -> SafeString:
    """Escaped text whose web addresses are links."""
    parts, at = [], 0
    for match in _LINK.finditer(text):
        link = match.group().rstrip(_TRAILING)
        parts.append(format_html("{}", text[at : match.start()]))
        parts.append(
            format_html('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>', link, link)
        )
        at = match.start() + len(link)
    parts.append(format_html("{}", text[at:]))
    return format_html_join("", "{}", ((part,) for part in parts))
