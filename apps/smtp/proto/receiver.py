"""SMTP framing without I/O: octets in, command lines and messages out.

`feed()` is the only way in, `next_event()` the only way out. The receiver promises: work linear in
the octets fed, however they are cut (a command line is re-joined per feed, within its limit);
memory bounded by its limits; no exception for any input; and one reading of where a message ends,
CRLF "." CRLF and nothing that looks like it (RFC 5321 section 4.1.1.4). Text with a bare CR or LF
is read to that true end and then reported as faulty, so that no look-alike can smuggle a second
message (CVE-2023-51764 and its family).

Text is collected and unstuffed in big pieces, never line by line: lines may have any length.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from apps.smtp.proto.limits import Limits

_END = b"\r\n.\r\n"
_CR = 13
_TLS_RECORD = b"\x16\x03"  # type 22 (handshake), version 3.x: RFC 8446 section 5.1


class Fault(Enum):
    """Why a message or line that was read whole cannot be taken."""

    TOO_BIG = auto()
    BARE_NEWLINE = auto()
    NUL = auto()
    NO_MEMORY = auto()


@dataclass(frozen=True, slots=True)
class Line:
    """A command line, or a line of an AUTH exchange, without its CRLF."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no command line: BARE_NEWLINE, NUL or TOO_BIG.

    `fatal`: it was so long that we stopped looking for its end; close the connection.
    """

    fault: Fault
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class TlsHello:
    """The client speaks TLS where plain text is due; nothing we could say would be understood."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """All octets of a BDAT chunk that was not the last are here."""

    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message, dots unstuffed. `raw` is empty when there is a fault."""

    raw: bytes
    fault: Fault | None = None


Event = Line | BadLine | TlsHello | Chunk | Message


class _Mode(Enum):
    COMMANDS = auto()
    DATA = auto()
    CHUNK = auto()


class Receiver:
    """Cuts one client's octets into events. Call `begin_*` when the client may send text."""

    __slots__ = (
        "_body",
        "_checked",
        "_closed",
        "_data",
        "_fault",
        "_last",
        "_left",
        "_mode",
        "_pos",
        "_scan",
        "_skipped",
        "limits",
        "line_limit",
    )

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.line_limit = limits.command_line
        self._data = b""
        self._pos = 0  # everything before it is consumed
        self._scan = 0  # no line end lies between _pos and _scan
        self._skipped = 0  # octets dropped of a line that is too long
        self._mode = _Mode.COMMANDS
        self._body = bytearray()
        self._checked = 0  # octets of the text that were looked at for bare CR and LF
        self._fault: Fault | None = None
        self._left = 0  # octets missing of the current chunk
        self._last = False
        self._closed = False

    @property
    def buffered(self) -> int:
        """Octets of commands that wait: stop reading the socket while it is large."""
        return len(self._data) - self._pos

    @property
    def held(self) -> int:
        """Octets of message text in memory."""
        return len(self._body)

    @property
    def is_reading_text(self) -> bool:
        """Whether the octets to come are a message."""
        return self._mode is not _Mode.COMMANDS

    def feed(self, data: bytes) -> None:
        """Take octets from the client, any number of them."""
        if self._closed:
            return
        if self._mode is _Mode.DATA:
            self._body += data
        elif self._mode is _Mode.CHUNK and not self.buffered:
            taken = data[: self._left]
            self._take_chunk(taken)
            self._data, self._pos, self._scan = data[len(taken) :], 0, 0
        elif self._pos < len(self._data):
            self._scan -= self._pos
            self._data = self._data[self._pos :] + data
            self._pos = 0
        else:
            self._data, self._pos, self._scan = data, 0, 0

    def begin_data(self) -> None:
        """After the 354: what follows is text until CRLF "." CRLF."""
        # The CRLF that ended the DATA command begins the text, so that a message of no lines
        # (".CRLF" at once) ends like any other.
        self._body = bytearray(b"\r\n")
        self._body += self._data[self._pos :]
        self._drop_commands()
        self._mode, self._scan, self._checked, self._fault = _Mode.DATA, 0, 0, None

    def begin_chunk(self, size: int, *, last: bool) -> None:
        """After a BDAT command: exactly `size` octets of text follow (RFC 3030)."""
        self._mode, self._left, self._last = _Mode.CHUNK, size, last
        taken = self._data[self._pos : self._pos + size]
        self._pos += len(taken)
        self._scan = self._pos
        self._take_chunk(taken)

    def refuse_text(self, fault: Fault) -> None:
        """Drop the text held; read on to its end and report `fault` there."""
        self._fault = fault
        if self._mode is _Mode.DATA:
            del self._body[:-4]  # the last octets may begin the end mark
            self._scan = 0
        else:
            self._body = bytearray()

    def forget_text(self) -> None:
        """Drop the chunks of an unfinished message (RSET, a new MAIL)."""
        self._body = bytearray()
        self._checked = 0
        self._fault = None

    def clear(self) -> int:
        """Drop all that is buffered and return how many octets that was.

        For STARTTLS: what came in the clear before the handshake must not run after it
        (RFC 3207 section 4.2, CVE-2011-0411).
        """
        dropped = self.buffered
        self._drop_commands()
        self.forget_text()
        self._skipped = 0
        return dropped

    def next_is(self, verb: bytes) -> bool:
        """Whether a whole line that begins with `verb` (upper case) waits already."""
        if self._mode is not _Mode.COMMANDS:
            return False
        end = self._pos + len(verb)
        return self._data[self._pos : end].upper() == verb and self._data.find(b"\n", end) >= 0

    def next_event(self) -> Event | None:
        """Return the next event, or None: feed more."""
        if self._mode is _Mode.DATA:
            return self._next_message()
        if self._mode is _Mode.CHUNK:
            return self._next_chunk()
        if self._closed:
            return None
        if self._data.startswith(_TLS_RECORD, self._pos) and not self._skipped:
            self._close()
            return TlsHello()
        end = self._data.find(b"\n", self._scan)
        if end < 0:
            self._scan = len(self._data)
            return self._unfinished()
        event = self._line(end)
        self._pos = self._scan = end + 1
        return event

    # command lines

    def _line(self, end: int) -> Line | BadLine:
        """Return the line from _pos to the LF at `end`."""
        if self._skipped or end + 1 - self._pos > self.line_limit:
            self._skipped = 0
            return BadLine(Fault.TOO_BIG)
        raw = self._data[self._pos : end]
        if raw[-1:] != b"\r" or raw.find(b"\r", 0, -1) >= 0:
            return BadLine(Fault.BARE_NEWLINE)
        if b"\0" in raw:
            return BadLine(Fault.NUL)
        return Line(raw[:-1])

    def _unfinished(self) -> BadLine | None:
        """Look at a line that has no end yet."""
        size = self.buffered
        if size <= self.line_limit and not self._skipped:
            return None
        self._skipped += size
        self._drop_commands()
        if self._skipped > self.limits.skipped_line:
            self._close()
            return BadLine(Fault.TOO_BIG, fatal=True)
        return None

    def _close(self) -> None:
        self._closed = True
        self._drop_commands()

    def _drop_commands(self) -> None:
        self._data, self._pos, self._scan = b"", 0, 0

    # message text

    def _next_message(self) -> Message | None:
        body = self._body
        end = body.find(_END, self._scan)
        if end < 0:
            self._unfinished_message()
            return None
        self._look_for_bare_newlines(end + 2)
        with memoryview(body) as view:
            raw = bytes(view[2 : end + 2]) if self._fault is None else b""
            self._data = bytes(view[end + 5 :])
        self._pos = self._scan = 0
        return self._message(_unstuff(raw))

    def _unfinished_message(self) -> None:
        size = len(self._body)
        if self._fault is None:
            self._look_for_bare_newlines(size)
            # A third over the limit: every line of a message may begin with a stuffed dot.
            if self._fault is None and size > self.limits.message // 3 * 4 + 1024:
                self.refuse_text(Fault.TOO_BIG)
        if self._fault is not None:
            del self._body[:-4]
        self._scan = max(len(self._body) - 4, 0)

    def _look_for_bare_newlines(self, end: int) -> None:
        """Look for a CR or LF outside CRLF (RFC 5321 section 2.3.8) in what is new up to `end`.

        Piece by piece as the text comes in, so that a long one does not hold up the event loop.
        """
        body, start = self._body, self._checked
        if self._fault is not None or end <= start:
            return
        if body[end - 1] == _CR:
            end -= 1  # its LF may be on the way
        pairs = body.count(b"\r\n", start, end)
        self._checked = end
        if body.count(b"\n", start, end) != pairs or body.count(b"\r", start, end) != pairs:
            self._fault = Fault.BARE_NEWLINE

    def _take_chunk(self, taken: bytes) -> None:
        self._left -= len(taken)
        if self._fault is None and len(self._body) + len(taken) > self.limits.message:
            self._fault = Fault.TOO_BIG
        if self._fault is None:
            self._body += taken
            self._look_for_bare_newlines(len(self._body))
        if self._fault is not None and self._body:
            self._body = bytearray()

    def _next_chunk(self) -> Chunk | Message | None:
        if self._left:
            return None
        self._mode = _Mode.COMMANDS
        if not self._last:
            return Chunk(self._fault)
        if self._fault is None and self._checked < len(self._body):
            self._fault = Fault.BARE_NEWLINE  # a CR that no LF followed
        return self._message(bytes(self._body))

    def _message(self, raw: bytes) -> Message:
        fault = self._fault
        if fault is None and len(raw) > self.limits.message:
            fault = Fault.TOO_BIG
        self._mode = _Mode.COMMANDS
        self.forget_text()
        return Message(raw) if fault is None else Message(b"", fault)


def _unstuff(raw: bytes) -> bytes:
    """Drop the first dot of every line that begins with one (RFC 5321 section 4.5.2)."""
    if raw[:1] == b".":
        raw = raw[1:]
    return raw.replace(b"\r\n.", b"\r\n") if b"\r\n." in raw else raw
