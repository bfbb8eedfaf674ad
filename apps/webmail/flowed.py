"""Text whose lines may be joined again (format=flowed, RFC 3676). Pure and linear."""

from collections.abc import Iterator
from typing import Final

SIGNATURE: Final = "-- "


def joined(text: str, *, joins_words: bool) -> Iterator[str]:
    """The lines of a flowed text as paragraphs; quoted ones begin with their `>` and a space.

    Args:
        joins_words: the space that ends a line goes (DelSp=yes, section 4.1).
    """
    depth = -1
    parts: list[str] = []
    for line in text.split("\n"):
        quoted, words = _taken_apart(line)
        # A change of depth ends a paragraph, whatever its last line says (section 4.5).
        if parts and (quoted != depth or words == SIGNATURE):
            yield _line(depth, parts)
            parts = []
        depth = quoted
        is_soft = words.endswith(" ") and words != SIGNATURE
        parts.append(words[:-1] if is_soft and joins_words else words)
        if not is_soft:
            yield _line(depth, parts)
            parts = []
    if parts:
        yield _line(depth, parts)


def _taken_apart(line: str) -> tuple[int, str]:
    """How deep a line is quoted, and its words without the space that was stuffed in (4.4)."""
    words = line.lstrip(">")
    return len(line) - len(words), words.removeprefix(" ")


def _line(depth: int, parts: list[str]) -> str:
    words = "".join(parts)
    return f"{'>' * depth} {words}" if depth > 0 else words
