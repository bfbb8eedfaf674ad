"""What other servers answer: octets in, replies out, bounded and made harmless.

`ReplyReader` promises for any octets: replies or a `ReplyError`, work linear in the octets, memory
bounded by MAX_REPLY. A `Reply` may be shown and stored as it is: its text holds neither control
characters nor what reorders a line on a screen (RFC 5321 section 4.2 allows printable ASCII, tab
and space; RFC 6531 section 3.7.4 adds UTF-8).
"""

import re
from dataclasses import dataclass
from typing import Final

MAX_LINE: Final = 4 << 10  # octets; section 4.5.3.1.5 says 512, and many do not care
MAX_REPLY: Final = 32 << 10  # octets of all lines: more than any EHLO
MAX_TEXT: Final = 500  # characters kept to be shown

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_STATUS = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?: |\Z)")


class ReplyError(Exception):
    """What came is no SMTP reply; the text says why, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: its code, and the text behind the code of each line."""

    code: int
    lines: tuple[str, ...]

    @property
    def is_positive(self) -> bool:
        """2yz."""
        return self.code < 300

    @property
    def is_transient(self) -> bool:
        """4yz, and what makes no sense: 1yz are not read, 3yz is good after DATA and AUTH only."""
        return 300 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        """5yz."""
        return self.code >= 500

    @property
    def text(self) -> str:
        """All lines as one, an enhanced status code on the first one only, at most MAX_TEXT
        characters: `f"{code} {text}"` is what the server said."""
        first, *others = self.lines
        words = [first, *(_STATUS.sub("", line, count=1) for line in others)]
        return " ".join(word for word in words if word)[:MAX_TEXT]

    @property
    def status(self) -> str:
        """The enhanced status code (RFC 3463). Without one, or with one that contradicts the code:
        made up from the code, as vaguely as that is known."""
        found = _STATUS.match(self.lines[0])
        if found is not None and int(found[1]) == self.code // 100:
            return f"{found[1]}.{int(found[2])}.{int(found[3])}"
        return status_of(self.code)


# Only what RFC 5321 section 4.2.3 says without doubt.
_STATUSES: Final = {
    421: "4.3.2",
    450: "4.2.0",
    451: "4.3.0",
    452: "4.3.1",
    454: "4.7.0",
    500: "5.5.2",
    501: "5.5.4",
    502: "5.5.1",
    503: "5.5.1",
    504: "5.5.4",
    521: "5.3.2",  # RFC 7504 section 4
    530: "5.7.0",
    535: "5.7.8",
    552: "5.2.2",
    556: "5.1.10",  # RFC 7505 section 4.2
}


def status_of(code: int) -> str:
    """An enhanced status code for a reply that has none."""
    if code in _STATUSES:
        return _STATUSES[code]
    return {2: "2.0.0", 5: "5.0.0"}.get(code // 100, "4.0.0")


def printable(text: str) -> str:
    """One line of at most MAX_TEXT characters that does nothing to a screen or a header field."""
    return _harmless(text)[:MAX_TEXT]


def _harmless(text: str) -> str:
    if text.isprintable():
        return text
    text = text.replace("\t", " ")
    return "".join(char if char.isprintable() else "?" for char in text)


class ReplyReader:
    """Cuts a byte stream into replies. After a ReplyError it is of no use."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._seen = 0  # no line end before here
        self._octets = 0  # of the lines of the reply that is not whole yet
        self._lines: list[str] = []

    def feed(self, data: bytes) -> list[Reply]:
        """Take octets; return the replies that are whole with them.

        Raises:
            ReplyError: no reply can be made of it.
        """
        replies = []
        self._data += data
        while (end := self._data.find(b"\n", self._seen)) >= 0:
            line = bytes(self._data[:end]).removesuffix(b"\r")
            del self._data[: end + 1]
            self._seen = 0
            reply = self._take(line)
            if reply is not None:
                replies.append(reply)
        self._seen = len(self._data)
        if self._seen > MAX_LINE or self._octets + self._seen > MAX_REPLY:
            raise ReplyError("its reply is too long")
        return replies

    def clear(self) -> None:
        """Forget what is not whole yet."""
        self._data.clear()
        self._lines = []
        self._seen = self._octets = 0

    def _take(self, line: bytes) -> Reply | None:
        self._octets += len(line) + 2
        if len(line) > MAX_LINE or self._octets > MAX_REPLY:
            raise ReplyError("its reply is too long")
        found = _LINE.fullmatch(line)
        if found is None:
            raise ReplyError("what it says is no SMTP reply")
        text = (found[3] or b"").decode("utf-8", "replace")
        self._lines.append(_harmless(text).strip())
        if found[2] == b"-":
            return None
        # With different codes on its lines, the last one counts: it is the one that ends it.
        reply = Reply(int(found[1]), tuple(self._lines))
        self._lines = []
        self._octets = 0
        return reply
