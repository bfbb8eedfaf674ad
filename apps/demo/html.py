"""The HTML of letters and notices: paragraphs, quotes, the looks of mail from shops. Pure.

It is written as such mail is: tables and inline styles, a picture of one point that tells the
sender who opened it, and a logo that comes with the message.
"""

from functools import cache
from html import escape
from string import Template

from apps.demo.people import TEXTS

_LOOKS = {  # ground and font
    "card": ("#f4f5f7", "Arial, Helvetica, sans-serif"),
    "paper": ("#f3f1e8", "Georgia, 'Times New Roman', serif"),
}


def paragraphs(words: str) -> str:
    """Plain words as paragraphs."""
    return "".join(
        "<p>" + escape(block).replace("\n", "<br>\n") + "</p>\n"
        for block in words.strip().split("\n\n")
    )


def quoted(said: str, words: str) -> str:
    """What was said before, below it."""
    return (
        f"<div>{escape(said).replace(chr(10), '<br>')}</div>\n<blockquote"
        ' style="margin: 0 0 0 8px; border-left: 2px solid #bbb; padding-left: 10px">'
        f"{paragraphs(words)}</blockquote>\n"
    )


def notice(
    look: str, *, name: str, title: str, words: str, colour: str, host: str, cid: str
) -> str:
    """A notice in one of the looks: `card`, `paper` or `bare`."""
    body = "".join(_piece(block, colour, host) for block in words.strip().split("\n\n"))
    pixel = f'<img src="https://{host}/open.gif" width="1" height="1" alt="">'
    if look == "bare":
        return f"<html><body>{body}{pixel}</body></html>"
    mark = f'<img src="cid:{cid}" width="40" height="40" alt="{escape(name)}">' if cid else ""
    ground, font = _LOOKS[look]
    return _frame().substitute(
        ground=ground, font=font, colour=colour, mark=mark, name=escape(name), title=escape(title),
        body=body, host=host, pixel=pixel,
    )  # fmt: skip


@cache
def _frame() -> Template:
    return Template((TEXTS / "notice.html").read_text("utf-8"))


def _piece(block: str, colour: str, host: str) -> str:
    if block.startswith("=> "):
        return (
            f'<p><a href="https://{host}/go" style="display: inline-block; padding: 10px 18px;'
            f' background: {colour}; color: #ffffff; text-decoration: none; border-radius: 4px">'
            f"{escape(block[3:])}</a></p>"
        )
    if " | " in block:
        rows = (line.split(" | ", 1) for line in block.splitlines())
        cells = "".join(
            '<tr><td style="padding: 6px 0; border-bottom: 1px solid #dddddd">'
            f'{escape(what)}</td><td align="right" style="border-bottom: 1px solid #dddddd">'
            f"{escape(value)}</td></tr>"
            for what, value in rows
        )
        return f'<table role="presentation" width="100%" cellspacing="0">{cells}</table>'
    if block.strip().isdigit():
        return f'<p style="font: bold 32px monospace; letter-spacing: 6px">{block.strip()}</p>'
    return paragraphs(block)
