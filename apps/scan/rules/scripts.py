"""Words that look like others: letters of several scripts in one word, characters between them that
nobody sees; and words in letters that are no letters. Pure, linear.

Only what cannot be meant counts: a Cyrillic letter within a Latin word if it looks like a Latin
one, not `IT-отдел`; a joiner between Latin letters, not in Persian, where it belongs, nor in emoji.
"""

import re
from typing import Final

TEXT_MAX: Final = 40_000  # characters looked at
FOUND_MAX: Final = 50  # words

# Cyrillic, Greek and Armenian letters that look like Latin ones.
_TWINS: Final = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u0501\u051b\u04bb\u0475"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0405\u0406\u0408"
    "\u03bf\u03b1\u03bd\u03c1\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4"
    "\u03a5\u03a7\u0585\u057d"
)
_LATIN: Final = r"A-Za-z\u00c0-\u024f"
_MIXED: Final = re.compile(
    rf"(?<![^\W\d_])(?=[^\W\d_]{{3,40}}(?![^\W\d_]))[{_LATIN}{_TWINS}]*"
    rf"(?:[{_LATIN}]{{2}}[{_TWINS}]|[{_TWINS}][{_LATIN}]{{2}})[{_LATIN}{_TWINS}]*(?![^\W\d_])"
)
# Mathematical letters, enclosed ones: whole words of them are no mathematics, but for show.
_FANCY: Final = re.compile(
    "(?:[\U0001d400-\U0001d7cb\U0001f110-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189"
    "\u24b6-\u24e9]\ufe0f?){4,}"
)
_SPLIT: Final = re.compile(
    rf"[{_LATIN}\u0400-\u04ff]{{1,30}}[\u200b-\u200f\u2060-\u2064\ufeff\u180e\u034f]+"
    rf"[{_LATIN}\u0400-\u04ff]{{1,30}}"
)


def disguised_words(text: str) -> list[str]:
    """Words of a text that are not what they look like, at most `FOUND_MAX`; cleaned of what cannot
    be seen."""
    text = text[:TEXT_MAX]
    if text.isascii():
        return []
    found: list[str] = []
    for expression in (_MIXED, _SPLIT):
        for match in expression.finditer(text):
            found.append("".join(one for one in match[0] if one.isprintable())[:40])
            if len(found) >= FOUND_MAX:
                return found
    return found


def fancy_word(text: str) -> str:
    """The first word in letters that are no letters, "" if there is none."""
    found = None if text.isascii() else _FANCY.search(text[:TEXT_MAX])
    return found[0] if found is not None else ""
