"""Authentication-Results as others write them, read (RFC 8601 section 2.2).

Two things are asked: whose results a field says it has (`authserv_id`), and which (`read`). The
grammar allows white space and comments nearly everywhere, and programs write more than it allows:
no authserv-id at all, properties without a type, unquoted Base64. All of that is read; what cannot
be read is nothing, never an error.

Linear in time for any octets; nested comments are counted, not descended into.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from apps.mime.address import AddressError, normalise_domain

SIZE_MAX: Final = 64 << 10  # octets of a field; more is not read
RESULTS_MAX: Final = 100
PROPERTIES_MAX: Final = 50  # of one result

_QUOTED: Final = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_TEXT: Final = re.compile(r'[^ \t\r\n;()"=]++')
_GAP: Final = re.compile(r"[ \t\r\n]++")
_IN_COMMENT: Final = re.compile(r"[^()\\]++")
_VERSION: Final = re.compile(r"[0-9]{1,9}")
_METHOD: Final = re.compile(r"([a-z0-9][a-z0-9-]*+)(?:/[0-9]++)?")
_KEYWORD: Final = re.compile(r"[a-z0-9][a-z0-9-]*+")
_DOMAIN: Final = re.compile(r"(?:.*@)?([^@]++)", re.DOTALL)
_WHITE: Final = " \t\r\n"
_JOINTS: Final = (".", "/")
_PROPERTY: Final = re.compile(r"(?:([a-z0-9-]++)\.)?([a-z0-9_-]++)")


class Property(NamedTuple):
    """`smtp.mailfrom=ann@example.org`. `kind` is "" if there is none; both names are lower case."""

    kind: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out by one method: `dkim=pass header.d=example.org`.

    Args:
        method, result: lower case; method without its version.
    """

    method: str
    result: str
    reason: str = ""
    properties: tuple[Property, ...] = ()

    def get(self, kind: str, name: str) -> str:
        """The value of the first property so named, "" without one."""
        for one in self.properties:
            if (one.kind, one.name) == (kind, name):
                return one.value
        return ""


@dataclass(frozen=True, slots=True)
class Findings:
    """One field.

    Args:
        host: authserv-id, a domain as A-label in lower case; "" if there is none.
        results: of the parts that could be read, at most RESULTS_MAX.
    """

    host: str
    version: str
    results: tuple[Finding, ...]


class _Unreadable(ValueError):
    """A quoted string or comment without end, or an end without begin."""


class _Token(NamedTuple):
    """`mark`: ";", "=" or "", "" being text; a gap is the text "" that is not quoted."""

    mark: str
    text: str
    is_quoted: bool = False

    @property
    def is_gap(self) -> bool:
        return not (self.mark or self.text or self.is_quoted)


_GAP_TOKEN: Final = _Token("", "")


def authserv_id(value: bytes) -> str | None:
    """Return who a field says it is of: a domain as A-label, or another word in lower case.

    Args:
        value: what follows the colon.

    Returns:
        "" if it names nobody; None if it cannot be read so far.
    """
    try:
        host, _ = _owner(next(_sections(_decoded(value))))
    except _Unreadable:
        return None
    return host


def read(value: bytes) -> Findings | None:
    """Read a whole field; None if it is malformed or too long.

    Args:
        value: what follows the colon.
    """
    try:
        sections = list(_sections(_decoded(value)))
    except _Unreadable:
        return None
    host, version = _owner(sections[0])
    # Some write no authserv-id, but their results at once.
    rest = sections[1:] if host else sections
    found = (_finding(section) for section in rest)
    return Findings(host, version, tuple(one for one in found if one is not None)[:RESULTS_MAX])


def domain_of(value: str) -> str:
    """Return the domain of a property's value, `ann@example.org`, `@example.org` or `example.org`,
    as A-label; "" if it has none."""
    parts = _DOMAIN.fullmatch(value)
    try:
        return "" if parts is None else normalise_domain(parts[1])
    except AddressError:
        return ""


def _decoded(value: bytes) -> str:
    if len(value) > SIZE_MAX:
        raise _Unreadable
    return value.decode("utf-8", "replace")


def _sections(text: str) -> Iterator[list[_Token]]:
    """What stands between semicolons; at least one, which may be empty."""
    section: list[_Token] = []
    for token in _tokens(text):
        if token.mark == ";":
            yield section
            section = []
        else:
            section.append(token)
    yield section


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        mark = text[at]
        if mark in ";=":
            yield _Token(mark, mark)
            at += 1
        elif mark == "(":
            yield _GAP_TOKEN
            at = _after_comment(text, at + 1)
        elif mark in _WHITE:
            yield _GAP_TOKEN
            at = _end(_GAP, text, at)
        elif mark == '"':
            end = _end(_QUOTED, text, at)
            yield _Token("", _PAIR.sub(r"\1", text[at + 1 : end - 1]), is_quoted=True)
            at = end
        else:
            end = _end(_TEXT, text, at)
            yield _Token("", text[at:end])
            at = end


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    if found is None:
        raise _Unreadable
    return found.end()


def _after_comment(text: str, at: int) -> int:
    """Where a comment ends of which the opening parenthesis stands before `at`."""
    depth = 1
    while depth:
        found = _IN_COMMENT.match(text, at)
        at = at if found is None else found.end()
        mark = text[at : at + 1]
        if not mark:
            raise _Unreadable
        depth += {"(": 1, ")": -1}.get(mark, 0)
        at += 2 if mark == "\\" else 1
    return at


def _owner(section: list[_Token]) -> tuple[str, str]:
    """Authserv-id and version; ("", "") where results begin at once."""
    first: list[str] = []
    rest = iter(section)
    for token in rest:
        if token.is_gap and first:
            break
        if token.mark:
            return "", ""  # `dkim=pass`: not a name
        if not token.is_gap:
            first.append(token.text)
    following = next((token for token in rest if not token.is_gap), None)
    if not first or (following is not None and following.mark):
        return "", ""
    name = "".join(first)
    is_version = following is not None and _VERSION.fullmatch(following.text)
    version = following.text if following is not None and is_version else ""
    try:
        return normalise_domain(name), version
    except AddressError:
        return name.lower(), version


def _words(tokens: list[_Token]) -> list[str]:
    """Texts between gaps. White space around a dot or slash divides nothing, as the grammar has it
    for `smtp . mailfrom`."""
    words: list[str] = []
    is_apart = True
    for token in tokens:
        if token.is_gap:
            is_apart = True
            continue
        joins = bool(words) and (words[-1].endswith(_JOINTS) or token.text.startswith(_JOINTS))
        if is_apart and not joins:
            words.append(token.text)
        else:
            words[-1] += token.text
        is_apart = False
    return words


def _finding(section: list[_Token]) -> Finding | None:
    """One result; None if it is "none" alone, or not readable."""
    pairs = _pairs(section)
    if not pairs:
        return None
    method, result = _METHOD.fullmatch(pairs[0][0].lower()), pairs[0][1].lower()
    if method is None or not _KEYWORD.fullmatch(result):
        return None
    reason = ""
    properties = []
    for name, value in pairs[1 : PROPERTIES_MAX + 1]:
        name = name.lower()
        if name == "reason":
            reason = value
        elif parts := _PROPERTY.fullmatch(name):
            properties.append(Property(parts[1] or "", parts[2], value))
    return Finding(method[1], result, reason, tuple(properties))


def _pairs(section: list[_Token]) -> list[tuple[str, str]]:
    """`name = value`, the value reaching to the next gap; words without a value are dropped."""
    pairs: list[tuple[str, str]] = []
    before: list[_Token] = []
    value: str | None = None  # None while no "=" was met
    for token in section:
        if value is None and token.mark == "=":
            value = ""
        elif value is None:
            before.append(token)
        elif not token.is_gap:
            value += token.text
        elif value:
            pairs.append((_last_word(before), value))
            before, value = [], None
    if value is not None:
        pairs.append((_last_word(before), value))
    return pairs


def _last_word(tokens: list[_Token]) -> str:
    words = _words(tokens)
    return words[-1] if words else ""
