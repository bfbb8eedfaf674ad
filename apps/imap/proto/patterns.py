"""LIST and LSUB patterns (RFC 3501 section 6.3.8): `*` is anything, `%` anything within a level.

The matcher walks all possibilities at once, as bits of one integer: time grows with name times
pattern whatever the pattern, where a backtracking one takes exponential time on `*a*a*a*b`.
"""

from __future__ import annotations

import re

DELIMITER = "/"
INBOX = "INBOX"

_WILDCARDS = re.compile(r"[*%]{2,}")


class Pattern:
    """A compiled pattern. INBOX matches in any case, as its first level does (section 5.1)."""

    __slots__ = ("_any", "_final", "_is_all", "_is_inbox", "_level", "_places", "_start", "is_open")

    def __init__(self, text: str) -> None:
        upper = text.upper()
        # Wildcards or not, INBOX is known in any case: `inb*` finds it, as `INB*` does.
        self._is_inbox = upper != text and Pattern(upper).matches(INBOX)
        # A run of wildcards is the strongest of them: after this no two stand side by side.
        text = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", text)
        if text[:5].upper() == INBOX and text[5:6] in {"", DELIMITER}:
            text = INBOX + text[5:]
        self._is_all = text == "*"
        self.is_open = text.endswith("*")  # what is below a name that matches does so, too
        self._places: dict[str, int] = {}
        self._any = self._level = 0
        for index, character in enumerate(text):
            if character == "*":
                self._any |= 1 << index
            elif character == "%":
                self._level |= 1 << index
            else:
                self._places[character] = self._places.get(character, 0) | 1 << index
        self._final = 1 << len(text)
        self._start = self._skip(1)

    def _skip(self, states: int) -> int:
        return states | (states & (self._any | self._level)) << 1

    def matches(self, name: str) -> bool:
        """Whether the whole of `name` matches."""
        if self._is_all or (name == INBOX and self._is_inbox):
            return True
        states = self._start
        for character in name:
            stay = states & (self._any if character == DELIMITER else self._any | self._level)
            states = self._skip(stay | (states & self._places.get(character, 0)) << 1)
            if not states:
                return False
        return bool(states & self._final)
