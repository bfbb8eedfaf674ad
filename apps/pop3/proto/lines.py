"""Command lines in, message lines out. Pure.

`LineBuffer` promises: work linear in the octets however they are cut, memory bounded by `LINE_MAX`,
no exception for any input. `DotStuffer` makes the octets of a message into the lines of a
multi-line response (RFC 1939 section 3), piece by piece.
"""

from __future__ import annotations

import re

LINE_MAX = 12 * 1024
"""Octets in one line: RFC 2449 section 4 allows 255, RFC 4954's AUTH responses need 12,288."""

_BARE_LF = re.compile(rb"(?<!\r)\n")


class LineBuffer:
    """Cuts a stream into lines ended by LF, CR before it stripped."""

    __slots__ = ("_data", "_scan", "is_overrun")

    def __init__(self) -> None:
        self._data = bytearray()
        self._scan = 0  # no line end before it
        self.is_overrun = False

    def feed(self, data: bytes) -> None:
        """Take octets; all that follows a line too long is dropped."""
        if not self.is_overrun:
            self._data += data

    def next_line(self) -> bytes | None:
        """Return the next line without its end, None if there is none yet.

        Sets `is_overrun` when a line is too long: say goodbye then.
        """
        end = self._data.find(b"\n", self._scan)
        if (end if end >= 0 else len(self._data)) > LINE_MAX:
            self.is_overrun = True
            self._data.clear()
            return None
        if end < 0:
            self._scan = len(self._data)
            return None
        line = bytes(self._data[:end]).removesuffix(b"\r")
        del self._data[: end + 1]
        self._scan = 0
        return line

    @property
    def buffered(self) -> int:
        """Octets held."""
        return len(self._data)

    def clear(self) -> int:
        """Drop all that is held; return how many octets that was."""
        dropped = len(self._data)
        self._data.clear()
        self._scan = 0
        return dropped


class DotStuffer:
    """Octets of a message to lines with CRLF, those that begin with a dot given a second one."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = b"\n"  # the octet before what comes next; a message begins a line

    def feed(self, data: bytes) -> bytes:
        """Return the next octets to send."""
        if not data:
            return b""
        before, self._last = self._last, data[-1:]
        if b"\n" in data and data.count(b"\n") != data.count(b"\r\n"):
            # Stored bare LF would be no line end to the client. A CR in the piece before counts.
            if before == b"\r" and data[:1] == b"\n":
                data = b"\n" + _BARE_LF.sub(b"\r\n", data[1:])
            else:
                data = _BARE_LF.sub(b"\r\n", data)
        if b"\n." in data:
            data = data.replace(b"\n.", b"\n..")
        return b"." + data if before == b"\n" and data[:1] == b"." else data

    def end(self) -> bytes:
        """Return what closes the response."""
        return b".\r\n" if self._last == b"\n" else b"\r\n.\r\n"


def top_size(text: bytes, lines: int) -> int:
    """Return how many octets of a body its first `lines` lines are."""
    end = 0
    for _ in range(lines):
        found = text.find(b"\n", end)
        if found < 0:
            return len(text)
        end = found + 1
    return end
