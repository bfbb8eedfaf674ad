"""Others' words within a letter of ours. Pure."""

from typing import Final

_JOINER: Final = "\u2060"  # no program sees a link across it, and nobody sees it
_KEEPS_WORDS: Final = "\u200c\u200d"  # invisible too, and part of how Persian and Hindi are written


def quoted(text: str, limit: int) -> str:
    """Somebody's words on one line, cut short, without what turns a line round, and no link."""
    line = "".join(
        sign if sign.isprintable() or sign in _KEEPS_WORDS else " " for sign in text[:limit]
    )
    for mark in (".", "/", ":", "@"):
        line = line.replace(mark, mark + _JOINER)
    return " ".join(line.split()) + ("…" if len(text) > limit else "")
