"""Address lists of header fields, read leniently (RFC 5322 section 3.4, obsolete forms too).

One pass over octets, no recursion, no exception for any input: nested comments are counted,
an unclosed quote or bracket is forgiven. The result is what IMAP ENVELOPE speaks of (RFC 3501
section 7.4.2), group markers included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

LIST_MAX = 256 * 1024  # Octets of one field value looked at.
MAILBOXES_MAX = 5_000  # In one field: more than any honest list, and a bound for the envelope.

_SPACE, _ATOM, _QUOTED, _COMMENT, _LITERAL, _SPECIAL = range(6)

_TOKEN = re.compile(rb'([ \t\r\n]++)|([^\x00-\x20()<>@,;:\\".\[]++)|(\[[^\[\]]*+\]?)|([^"(])')
# What nearly all fields hold: "name <local@host>" or "local@host", nothing odd. One match instead
# of ten tokens; whatever it does not match whole goes the long way, with the same result.
# No group may stand inside a possessive one: Python before 3.11.5 loses track of it (gh-101955).
_COMMON = re.compile(
    rb'[ \t]*+(?:(?:"([^"\\]++)"|((?:[^\x00-\x20()<>@,;:\\"\[]++ ?)++))[ \t]*+(?=<))?'
    rb'(<)?([^\x00-\x20()<>@,;:\\"\[]++)@([^\x00-\x20()<>@,;:\\"\[]++)(?(3)>)[ \t]*+(?:,|\Z)'
)
_QUOTED_STRING = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_COMMENT_MARK = re.compile(rb"[()]|\\.", re.DOTALL)


class HeaderMailbox(NamedTuple):
    """One mailbox or group marker.

    A mailbox: `name` is the display name (encoded words not decoded) or None; `route` the obsolete
    source route or None; `local` and `host` unquoted; where the field left them out, `local` is
    None and `host` b"".
    A group start: `local` is the group's name, `host` None. A group end: all None.
    """

    name: bytes | None
    route: bytes | None
    local: bytes | None
    host: bytes | None

    @property
    def is_marker(self) -> bool:
        """Whether this begins or ends a group, and is no mailbox."""
        return self.host is None


_GROUP_END = HeaderMailbox(None, None, None, None)

_Token = tuple[int, bytes]


def parse_address_list(value: bytes) -> list[HeaderMailbox]:
    """Return the mailboxes and group markers of an unfolded field value, in order.

    Octets after the first `LIST_MAX` and mailboxes after the first `MAILBOXES_MAX` are left out.
    """
    if len(value) > LIST_MAX:
        value = value[: value.rfind(b",", 0, LIST_MAX) + 1] or value[:LIST_MAX]
    return _parse_common(value) or _parse_any(value)


def _parse_common(value: bytes) -> list[HeaderMailbox] | None:
    """Return the mailboxes if all of them are written in the common way, else None."""
    found: list[HeaderMailbox] = []
    at = 0
    while at < len(value) and len(found) < MAILBOXES_MAX:
        match = _COMMON.match(value, at)
        if match is None:
            return None
        at = match.end()
        quoted, bare, _, local, host = match.groups()
        name = quoted or (bare and bare.rstrip())
        found.append(HeaderMailbox(name, None, local, host.rstrip(b".")))
    return found


def _parse_any(value: bytes) -> list[HeaderMailbox]:
    """Return what any value holds, token by token."""
    reader = _Reader()
    for token in _tokens(value):
        reader.take(token)
        if len(reader.found) >= MAILBOXES_MAX:
            break
    return reader.finish()


def mailboxes(value: bytes) -> list[HeaderMailbox]:
    """Return the mailboxes alone, without group markers."""
    return [mailbox for mailbox in parse_address_list(value) if not mailbox.is_marker]


def _tokens(value: bytes) -> Iterator[_Token]:
    at = 0
    quotes_close = True
    while at < len(value):
        found = _TOKEN.match(value, at)
        if found is not None:
            at = found.end()
            yield (_KINDS[found.lastindex or 0], found[0])
        elif value[at] == 0x28:
            text, at = _comment(value, at)
            yield (_COMMENT, text)
        else:
            quoted = _QUOTED_STRING.match(value, at) if quotes_close else None
            if quoted is None:
                # Never try again: each try would look to the end of the value.
                quotes_close = False
                at += 1
            else:
                at = quoted.end()
                yield (_QUOTED, _QUOTED_PAIR.sub(rb"\1", quoted[1]))


_KINDS = (_SPECIAL, _SPACE, _ATOM, _LITERAL, _SPECIAL)


def _comment(value: bytes, start: int) -> tuple[bytes, int]:
    """Return what the comment at `start` says and where it ends; depth is a number only."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(value, start):
        if mark[0] == b"(":
            depth += 1
        elif mark[0] == b")":
            depth -= 1
            if not depth:
                return _QUOTED_PAIR.sub(rb"\1", value[start + 1 : mark.start()]), mark.end()
    return b"", len(value)


class _Reader:
    """Cuts tokens into mailboxes; the flags spare it from looking back over what is pending."""

    __slots__ = ("found", "has_at", "in_angle", "in_group", "in_route", "pending")

    def __init__(self) -> None:
        self.found: list[HeaderMailbox] = []
        self.pending: list[_Token] = []
        self.in_group = False
        self._begin()

    def _begin(self) -> None:
        self.pending = []
        self.has_at = False  # an "@" is pending
        self.in_angle = False  # a "<" is pending and not closed
        self.in_route = False  # and "@" came right behind it: commas part hops, not mailboxes

    def take(self, token: _Token) -> None:
        """Take the next token; a delimiter ends the pending mailbox."""
        kind, raw = token
        if kind != _SPECIAL or not self._delimits(raw):
            self.pending.append(token)

    def _delimits(self, special: bytes) -> bool:
        if special == b"@":
            self.has_at = True
            if self.in_angle and self.pending[-1] == (_SPECIAL, b"<"):
                self.in_route = True
        elif special == b"<":
            self.in_angle = True
        elif special == b">":
            self.in_angle = self.in_route = False
        elif special == b",":
            return self._end_mailbox()
        elif special == b";":
            return self._end_group()
        elif special == b":":
            return self._begin_group()
        return False

    def _end_mailbox(self) -> bool:
        if self.in_route:
            return False
        _add(self.found, self.pending)
        self._begin()
        return True

    def _end_group(self) -> bool:
        if self.in_angle:
            return False
        self._end_mailbox()
        if self.in_group:
            self.found.append(_GROUP_END)
        self.in_group = False
        return True

    def _begin_group(self) -> bool:
        if self.in_angle or self.in_group or self.has_at:
            self.in_route = False
            return False
        self.found.append(HeaderMailbox(None, None, _phrase(self.pending) or b"", None))
        self.in_group = True
        self._begin()
        return True

    def finish(self) -> list[HeaderMailbox]:
        """Return all that was found."""
        self.in_route = False
        self._end_mailbox()
        if self.in_group:
            self.found.append(_GROUP_END)
        return self.found


def _has_at(pending: list[_Token]) -> bool:
    return (_SPECIAL, b"@") in pending


def _add(found: list[HeaderMailbox], tokens: list[_Token]) -> None:
    """Append the mailbox the tokens spell, if they spell any."""
    if not any(kind not in (_SPACE, _COMMENT) for kind, _ in tokens):
        return
    try:
        angle = tokens.index((_SPECIAL, b"<"))
    except ValueError:
        found.append(_bare(tokens))
        return
    name = _phrase(tokens[:angle])  # A comment is a name only beside a bare address.
    route, spec = _split_route(tokens[angle + 1 :])
    local, host = _split_spec(spec)
    found.append(HeaderMailbox(name, route, local, host))


def _bare(tokens: list[_Token]) -> HeaderMailbox:
    """Read an address without brackets; words before it are taken for a name."""
    if not _has_at(tokens):
        phrase = _phrase(tokens)
        is_name = any(kind == _QUOTED for kind, _ in tokens)
        if phrase is not None and (is_name or b" " in phrase):
            return HeaderMailbox(phrase, None, None, b"")
        return HeaderMailbox(_last_comment(tokens), None, phrase, b"")
    begin = _spec_start(tokens)
    spec = tokens[begin:]
    local, host = _split_spec(spec)
    # A comment before the address is no name, one behind it is: "joe@example.net (Joe)".
    return HeaderMailbox(_last_comment(spec) or _phrase(tokens[:begin]), None, local, host)


def _spec_start(tokens: list[_Token]) -> int:
    """Return where the local part before the first "@" begins: behind the last space before it."""
    begin = tokens.index((_SPECIAL, b"@"))
    while begin and tokens[begin - 1][0] in (_SPACE, _COMMENT):
        begin -= 1
    while begin and tokens[begin - 1][0] not in (_SPACE, _COMMENT):
        begin -= 1
    return begin


def _split_route(tokens: list[_Token]) -> tuple[bytes | None, list[_Token]]:
    tokens = [token for token in tokens if token[0] not in (_SPACE, _COMMENT)]
    if tokens and tokens[0] == (_SPECIAL, b"@") and (_SPECIAL, b":") in tokens:
        colon = tokens.index((_SPECIAL, b":"))
        return b"".join(raw for _, raw in tokens[:colon]), tokens[colon + 1 :]
    return None, tokens


def _split_spec(tokens: list[_Token]) -> tuple[bytes | None, bytes]:
    """Return local part, None if there is none, and host: the last "@" outside quotes parts them.

    A dot at the end of the host says the same to the DNS and confuses programs.
    """
    local: list[bytes] = []
    host: list[bytes] | None = None
    gap = False
    for kind, raw in tokens:
        if kind in (_SPACE, _COMMENT):
            gap = True
        elif kind != _SPECIAL or raw in b".:":
            if host is None:
                local.append(raw)
            elif kind == _QUOTED:
                break
            elif gap and host and raw != b"." and host[-1] != b".":
                break  # Another word after the host: only dots may have space around them.
            else:
                host.append(raw)
            gap = False
        elif raw == b"@":
            if host is not None:
                local += [b"@", *host]
            host, gap = [], False
        elif raw == b">":
            break
    return b"".join(local) if local else None, b"".join(host or ()).rstrip(b".")


def _phrase(tokens: list[_Token]) -> bytes | None:
    """Return the words with single spaces between them, None if there are none."""
    pieces: list[bytes] = []
    gap = False
    for kind, raw in tokens:
        if kind in (_SPACE, _COMMENT):
            gap = bool(pieces)
            continue
        if gap:
            pieces.append(b" ")
            gap = False
        pieces.append(raw)
    return b"".join(pieces) or None


def _last_comment(tokens: list[_Token]) -> bytes | None:
    for kind, raw in reversed(tokens):
        if kind == _COMMENT:
            return raw.strip() or None
    return None
