"""Command framing for IMAP and ManageSieve: bytes in, events out, no I/O.

`feed()` is the only way in, `next_event()` the only way out. The buffer promises: work linear in
the octets fed, however they are cut; memory bounded by its `BufferLimits`; no exception for any
input. It knows lines and literals (RFC 3501 section 4.3, RFC 7888 LITERAL+, RFC 3516 literal8)
and nothing about what a command means.

A literal that is refused while its octets are on their way already (`{n+}`) is passed over without
being held, up to `passed_over` octets, with the rest of its command: the next event is the next
command's. After an event with `fatal` true the stream cannot be trusted to be in step any more: the
buffer drops all that follows, and the caller says goodbye and closes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from apps.wire.limits import LITERAL_NUMBER_MAX, BufferLimits

_ENDS_IN_BRACE = re.compile(rb"(~?)\{([^{}]*)\}\Z")
_SIZE = re.compile(rb"([0-9]{1,19})(\+?)")
_TAG = re.compile(rb"[!#$&',-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]{1,128}(?= |\Z)")


@dataclass(frozen=True, slots=True)
class Literal:
    """Octets sent as a literal; `binary` if announced `~{n}`, `non_sync` if `{n+}`."""

    data: bytes
    binary: bool = False
    non_sync: bool = False


Token = bytes | Literal


@dataclass(frozen=True, slots=True)
class RawCommand:
    """One whole command: line text and literals in turn, always beginning and ending with text.

    The braces that announce a literal and the line ends are cut off. An empty line is
    `RawCommand((b"",))`: as an answer in a SASL exchange it has a meaning.
    """

    tokens: tuple[Token, ...]

    @property
    def tag(self) -> bytes:
        """The leading tag, or b"" if the line does not begin with one."""
        return _tag_of(self.tokens)


@dataclass(frozen=True, slots=True)
class NeedContinuation:
    """The client waits for `+`: answer, then call `accept_literal()` or `refuse_literal()`.

    With `non_sync` it does not wait, and must not be answered: the literals of the command take
    more than `ask_above` with this one. Read no more of it until there is memory for it.

    held: octets of the command's literals before this one.
    """

    size: int
    tag: bytes
    tokens: tuple[Token, ...]
    binary: bool = False
    non_sync: bool = False
    held: int = 0


@dataclass(frozen=True, slots=True)
class LiteralTooLarge:
    """A literal beyond the limits was announced; the command is dropped.

    Not fatal when synchronising: refused, the client does not send it. If `{n+}` it is on its way
    already: fatal when it is too long to be passed over. `verb` is the command's, in upper case.
    """

    tag: bytes
    size: int
    fatal: bool
    verb: bytes = field(default=b"", compare=False)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no command line; the command is dropped. `reason` is ours, never input."""

    tag: bytes
    reason: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class NoRoom:
    """There was no memory for a literal in time; the command is dropped. Fatal as above.

    Never the buffer's own: whoever answers `NeedContinuation` makes it.
    """

    tag: bytes
    fatal: bool


Event = RawCommand | NeedContinuation | LiteralTooLarge | BadLine | NoRoom


class CommandBuffer:
    """Cuts a byte stream into commands. `limits` may be set anew at any time between events."""

    __slots__ = (
        "_binary",
        "_closed",
        "_data",
        "_line_used",
        "_literal",
        "_literal_used",
        "_missing",
        "_non_sync",
        "_pos",
        "_scan",
        "_skipping",
        "_tokens",
        "_waiting",
        "limits",
    )

    def __init__(self, limits: BufferLimits) -> None:
        self.limits = limits
        self._data = bytearray()
        self._pos = 0  # everything before it is consumed; cut off by the next feed()
        self._scan = 0  # no line end lies between _pos and _scan: never look there again
        self._tokens: list[Token] = []
        self._line_used = 0
        self._literal_used = 0
        self._literal: bytearray | None = None
        self._missing = 0
        self._binary = False
        self._non_sync = False
        self._waiting = False
        self._skipping = False  # the rest of a refused command: its lines and literals are dropped
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether a fatal event ended this buffer."""
        return self._closed

    @property
    def buffered(self) -> int:
        """Octets held that belong to no event yet: stop reading the socket while it is large."""
        return len(self._data) - self._pos

    @property
    def is_idle(self) -> bool:
        """Whether no command is begun: nothing buffered, no literal awaited."""
        begun = self._tokens or self._literal is not None or self._waiting or self._skipping
        return not (self.buffered or begun)

    def feed(self, data: bytes) -> None:
        """Take octets from the peer, any number of them."""
        if self._closed:
            return
        if self._pos:
            del self._data[: self._pos]
            self._scan -= self._pos
            self._pos = 0
        if self._missing and not (self._data or self._waiting):
            if self._literal is not None:
                self._literal += data[: self._missing]
            taken = min(self._missing, len(data))
            self._missing -= taken
            data = data[taken:]
        self._data += data

    def clear(self) -> int:
        """Drop all that is buffered and return how many octets that was.

        For STARTTLS: what came in the clear before the handshake must not run after it
        (RFC 3501 section 6.2.1, CVE-2011-0411).
        """
        dropped = self.buffered
        self._data.clear()
        self._pos = self._scan = 0
        self._reset()
        return dropped

    def take_rest(self) -> bytes:
        """Take back what was fed and belongs to no event yet: from here on the stream means
        something else (COMPRESS)."""
        rest = bytes(self._data[self._pos :])
        self.clear()
        return rest

    def accept_literal(self) -> None:
        """Go on after `NeedContinuation`: the octets that follow are the literal."""
        if self._waiting:
            self._waiting = False
            self._begin_literal()

    def refuse_literal(self) -> None:
        """Drop the command after `NeedContinuation`: what follows is the next command, after the
        octets of a `non_sync` one. `is_closed` if they are too many to be passed over."""
        if self._waiting and self._non_sync:
            self._pass_over(self._missing)
        elif self._waiting:
            self._reset()

    def next_event(self) -> Event | None:
        """Return the next event, or None: feed more, or answer the continuation first."""
        while not (self._closed or self._waiting):
            if self._skipping and not self._skip():
                return None
            if self._literal is not None and not self._collect_literal():
                return None
            end = self._find_line_end()
            if end < 0:
                return self._too_long() if self._line_is_too_long(len(self._data)) else None
            event = self._take_dropped(end) if self._skipping else self._take_line(end)
            if event is not None:
                return event
        return None

    def _find_line_end(self) -> int:
        end = self._data.find(b"\n", self._scan)
        if end < 0:
            self._scan = len(self._data)
        return end

    def _line_is_too_long(self, end: int) -> bool:
        used = self._line_used + end - self._pos
        if used <= self.limits.line:
            return False
        return used > self.limits.large_line or not (self._tokens and self._is_large())

    def _too_long(self) -> Event:
        tag = _tag_of(self._tokens) if self._tokens else _tag_of([self._head()])
        return self._close(BadLine(tag, "line too long", fatal=True))

    def _head(self) -> bytes:
        return bytes(self._data[self._pos : self._pos + 130])

    def _take_line(self, end: int) -> Event | None:
        """Consume the line that ends at `end`; None if its literal follows without a pause."""
        if self._line_is_too_long(end + 1):
            return self._too_long()
        line = bytes(self._data[self._pos : end]).removesuffix(b"\r")
        self._line_used += end + 1 - self._pos
        self._pos = self._scan = end + 1
        if b"\0" in line or b"\r" in line:
            return self._bad(line, "NUL or bare CR in line")
        if line[-1:] == b"}" and (found := _ENDS_IN_BRACE.search(line)) is not None:
            return self._take_announcement(line, found)
        self._tokens.append(line)
        command = RawCommand(tuple(self._tokens))
        self._reset()
        return command

    def _take_announcement(self, line: bytes, found: re.Match[bytes]) -> Event | None:
        size = _SIZE.fullmatch(found[2])
        if size is None or int(size[1]) > LITERAL_NUMBER_MAX:
            # "{x+}": the client believes it announced a literal and sends it at once.
            return self._bad(line, "invalid literal size", fatal=found[2].endswith(b"+"))
        self._tokens.append(line[: found.start()])
        self._missing = int(size[1])
        self._binary = bool(found[1])
        self._non_sync = bool(size[2])
        if self._is_too_large(self._missing):
            return self._refuse_too_large()
        above = self.limits.ask_above
        if self._non_sync and (above is None or self._literal_used + self._missing <= above):
            self._begin_literal()
            return None
        self._waiting = True
        tokens = tuple(self._tokens)
        return NeedContinuation(
            self._missing,
            _tag_of(tokens),
            tokens,
            self._binary,
            self._non_sync,
            self._literal_used,
        )

    def _is_too_large(self, size: int) -> bool:
        limits = self.limits
        if self._non_sync and limits.non_sync is not None and size > limits.non_sync:
            return True
        together = self._literal_used + size
        if self._is_large():
            return size > limits.large_literal or together > limits.large_command
        return size > limits.literal or together > limits.command

    def _is_large(self) -> bool:
        """Whether the command is one of those with large literals."""
        return bool(self.limits.large_verbs) and self._verb() in self.limits.large_verbs

    def _verb(self) -> bytes:
        first = self._tokens[0]
        words = first.split(b" ", 4) if isinstance(first, bytes) else []
        del words[: self.limits.verb_index]
        if words and words[0].upper() == b"UID":  # of UID REPLACE the second word is the verb
            del words[0]
        return words[0].upper() if words else b""

    def _refuse_too_large(self) -> Event:
        tag, size, verb = _tag_of(self._tokens), self._missing, self._verb()
        if self._non_sync:
            self._pass_over(size)
        else:
            self._reset()
        return LiteralTooLarge(tag, size, fatal=self._closed, verb=verb)

    def _pass_over(self, size: int) -> None:
        """Begin to drop a refused command whose literal is on its way."""
        if size > self.limits.passed_over:
            self._shut()
            return
        self._reset()
        self._skipping = True
        self._missing = size

    def _skip(self) -> bool:
        """Drop buffered octets of a literal; return whether that was all of it."""
        end = min(self._pos + self._missing, len(self._data))
        self._missing -= end - self._pos
        if end > self._pos:
            self._pos = self._scan = end
        return not self._missing

    def _take_dropped(self, end: int) -> Event | None:
        """Consume a line of a refused command: it goes on if another literal is announced, and
        ends where the client waits for a `+`, since it has its answer."""
        if self._line_is_too_long(end + 1):
            return self._too_long()
        line = bytes(self._data[self._pos : end]).removesuffix(b"\r")
        self._pos = self._scan = end + 1
        found = _ENDS_IN_BRACE.search(line)
        size = _SIZE.fullmatch(found[2]) if found is not None else None
        if found is None or not found[2].endswith(b"+"):
            self._reset()
        elif size is None or int(size[1]) > self.limits.passed_over:
            return self._close(BadLine(b"", "too much to pass over", fatal=True))
        else:
            self._missing = int(size[1])
        return None

    def _begin_literal(self) -> None:
        self._literal_used += self._missing
        self._literal = bytearray()

    def _collect_literal(self) -> bool:
        """Move buffered octets into the literal; return whether it is complete."""
        assert self._literal is not None
        if self._missing:
            end = min(self._pos + self._missing, len(self._data))
            with memoryview(self._data) as view:
                self._literal += view[self._pos : end]
            self._missing -= end - self._pos
            self._pos = self._scan = end
        if self._missing:
            return False
        self._tokens.append(Literal(bytes(self._literal), self._binary, self._non_sync))
        self._literal = None
        return True

    def _bad(self, line: bytes, reason: str, *, fatal: bool = False) -> Event:
        event = BadLine(_tag_of(self._tokens or [line]), reason, fatal)
        if fatal:
            return self._close(event)
        self._reset()
        return event

    def _close(self, event: Event) -> Event:
        self._shut()
        return event

    def _shut(self) -> None:
        self._reset()
        self._closed = True
        self._data.clear()
        self._pos = self._scan = 0

    def _reset(self) -> None:
        self._tokens = []
        self._line_used = self._literal_used = self._missing = 0
        self._literal = None
        self._waiting = self._skipping = False


def _tag_of(tokens: tuple[Token, ...] | list[Token] | list[bytes]) -> bytes:
    first = tokens[0] if tokens else b""
    found = _TAG.match(first) if isinstance(first, bytes) else None
    return found[0] if found is not None else b""
