"""What of a message stands in an answer to it, as HTML and as text. What strangers wrote is cleaned
as anything else that goes into a letter.

A quote is made of one part. Several put together would let the HTML of one take in the text of the
next, and send decrypted words to wherever it likes (EFAIL, CVE-2017-17688).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from django.utils import formats, timezone
from django.utils.html import escape, format_html
from django.utils.translation import gettext as _

from apps.mime.composing import plain
from apps.mime.composing.plain import DEEPEST
from apps.mime.reading import Person, Reading
from apps.webmail.flowed import joined
from apps.webmail.writing import cleaning

MOST: Final = 300_000
"""Characters of what is quoted; of longer text the first, of longer HTML its words."""
EMPTY: Final = "<div><br></div>"
_PEOPLE_SHOWN: Final = 50


def html(reading: Reading, inline: Mapping[str, str]) -> str:
    """The body of a message for the editor.

    Args:
        inline: addresses of its pictures, by Content-ID.
    """
    if reading.html and len(reading.html) <= MOST:
        return cleaning.shown(reading.html, inline)
    return from_text(text(reading))


def text(reading: Reading) -> str:
    """Its words, a line for a paragraph."""
    if reading.html:
        # One look at so much is enough, whatever else stands there.
        return plain.worded(cleaning.shown(reading.html[: 2 * MOST], {}))[:MOST]
    found = []
    for one in reading.texts:
        lines = one.text[:MOST].replace("\r\n", "\n")
        if one.is_flowed:
            lines = "\n".join(joined(lines, joins_words=one.joins_words))
        found.append(lines.strip("\n"))
    return "\n\n".join(found)[:MOST]


def from_text(words: str) -> str:
    """Typed lines as HTML, those that begin with `>` as quotes."""
    made: list[str] = []
    now = 0
    for depth, line in _by_depth(words):
        made += ["<blockquote>"] * (depth - now) + ["</blockquote>"] * (now - depth)
        now = depth
        made.append(f"<div>{escape(line) or '<br>'}</div>")
    return "".join([*made, "</blockquote>" * now])


def _by_depth(words: str) -> Iterator[tuple[int, str]]:
    for line in words.split("\n"):
        rest = line
        depth = 0
        while rest.startswith(">") and depth < DEEPEST:
            depth += 1
            rest = rest[1:].removeprefix(" ") if rest[1:2] != ">" else rest[1:]
        yield depth, rest


def quoted_html(reading: Reading, inline: Mapping[str, str]) -> str:
    """Who wrote it and when, and below it what."""
    lead = format_html("<div>{}</div>", lead_of(reading))
    return f"{lead}<blockquote data-quote>{html(reading, inline)}</blockquote>"


def quoted_text(reading: Reading) -> str:
    """The same in typed lines."""
    lines = text(reading).split("\n")
    marked = [f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in lines]
    return "\n".join([lead_of(reading), *marked])


def forwarded_html(reading: Reading, inline: Mapping[str, str]) -> str:
    """A message within ours: what stood above it, and all of it."""
    head = "".join(format_html("<div>{}</div>", line) for line in head_of(reading))
    return f"<div data-quote>{head}<div><br></div>{html(reading, inline)}</div>"


def forwarded_text(reading: Reading) -> str:
    """The same in typed lines."""
    return "\n".join([*head_of(reading), "", text(reading)])


def lead_of(reading: Reading) -> str:
    """The line before a quote."""
    name = reading.sender.label
    if reading.sent_at is None:
        return _("%(name)s wrote:") % {"name": name}
    said = {"date": _moment(reading), "name": name}
    return _("On %(date)s, %(name)s wrote:") % said


def head_of(reading: Reading) -> list[str]:
    """The lines above a message that is forwarded."""
    lines = [
        "---------- {} ----------".format(_("Forwarded message")),
        "{}: {}".format(_("From"), _spelled(reading.sender)),
    ]
    if reading.sent_at is not None:
        lines.append("{}: {}".format(_("Date"), _moment(reading)))
    lines.append("{}: {}".format(_("Subject"), reading.subject))
    for name, people in ((_("To"), reading.to), (_("Cc"), reading.cc)):
        if people:
            shown = ", ".join(_spelled(one) for one in people[:_PEOPLE_SHOWN])
            lines.append(f"{name}: {shown}{', …' if len(people) > _PEOPLE_SHOWN else ''}")
    return lines


def _moment(reading: Reading) -> str:
    assert reading.sent_at is not None
    at = timezone.localtime(reading.sent_at)
    return formats.date_format(at, "DATETIME_FORMAT")


def _spelled(one: Person) -> str:
    return f"{one.name} <{one.address}>" if one.name and one.address else one.label
