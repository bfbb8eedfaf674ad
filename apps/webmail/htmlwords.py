"""What the sender of HTML wrote, as lines of plain text: for looking into, not for showing. Pure.

No sanitiser, and no browser: a line ends where a block does, quotes of earlier mail are cut off,
and the result is text. Linear time, whatever the markup.
"""

import re
from typing import Final

from apps.mime.preview import strip_tags

SOURCE_MAX: Final = 128 * 1024  # characters of the source looked at
_BLOCK: Final = re.compile(
    r"(?i)</?(?:p|div|br|hr|tr|td|th|table|h[1-6]|li|ul|ol|pre|section|article|header|footer"
    r"|center)\b[^<>]{0,4000}>"
)
# Where what somebody else wrote before begins, as the usual mail programs mark it.
_QUOTE: Final = re.compile(
    r"(?i)<blockquote\b|<[a-z]{1,10} [^<>]{0,200}(?:gmail_quote|moz-cite-prefix|divRplyFwdMsg)"
)
_LINE: Final = "\x01"  # stands for the end of a line until all other space is one blank
_SPACE: Final = re.compile(r"\s+")
_AROUND_LINE: Final = re.compile(rf" ?(?:{_LINE} ?)+")


def own_lines(source: str) -> str:
    """The text of HTML up to what it quotes, its blocks in lines of their own, none empty."""
    short = source[:SOURCE_MAX].replace(_LINE, " ")
    quote = _QUOTE.search(short)
    if quote is not None:
        short = short[: quote.start()]
    plain = strip_tags(_BLOCK.sub(_LINE, _SPACE.sub(" ", short))).replace("\u200b", "")
    return _AROUND_LINE.sub("\n", _SPACE.sub(" ", plain)).strip()
