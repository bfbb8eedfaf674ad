"""The macros of SPF: `%{ir}.%{v}._spf.%{d2}` read and filled in (RFC 7208 section 7).

Pure. Reading happens once and tells every mistake; filling in cannot fail and is bounded whatever
the values are: a name to 253 octets, an explanation to EXPLANATION_MOST characters.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

NAME_MOST: Final = 253  # characters of a domain name without its last dot
LABEL_MOST: Final = 63
EXPLANATION_MOST: Final = 400  # fits into one line of an SMTP reply, with our words around it
PARTS_MOST: Final = 999  # more than any value has

# re.ASCII, for without it the long s (U+017F) would be an "s" in another case.
_TOKEN = re.compile(
    r"%\{([slodiphcrtv])([0-9]*+)(r?)([-.+,/_=]*+)\}|%([%_-])|([ -$&-~]++)",
    re.ASCII | re.IGNORECASE,
)
_SIGNS: Final = {"%": "%", "_": " ", "-": "%20"}
_TOP_LABEL = re.compile(r"(?=[0-9]*+[a-z-])[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII | re.I)
_ONLY_EXPLAINING: Final = frozenset("crt")
_OF_LOCAL_PART: Final = frozenset("sl")


class MacroError(ValueError):
    """The text is none that RFC 7208 section 7.1 allows; the message says why."""


@dataclass(frozen=True, slots=True)
class Macro:
    """One macro-expand with a letter.

    Args:
        letter: lower case.
        parts: how many right-hand parts stay; 0 is all.
        delimiters: where the value is split; "" if it is left as it is.
        is_escaped: it was written in upper case, and is URL-escaped when filled in.
    """

    letter: str
    parts: int
    is_reversed: bool
    delimiters: str
    is_escaped: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A macro-string that was read.

    Args:
        letters: of the macros in it, lower case.
    """

    tokens: tuple[str | Macro, ...]
    letters: frozenset[str] = frozenset()

    @property
    def has_local_part(self) -> bool:
        """Whether it is filled in with the sender's local part."""
        return not self.letters.isdisjoint(_OF_LOCAL_PART)


def read_domain(text: str) -> Template:
    """Read a domain-spec: a macro-string that ends in a macro or in a top label."""
    if " " in text:
        raise MacroError("a space in a domain name")
    template, end = _read(text)
    if not template.letters.isdisjoint(_ONLY_EXPLAINING):
        raise MacroError("the macros c, r and t are for explanations only")
    # It ends in any macro-expand, `%%`, `%_` and `%-` too, or in a top label with a dot before it.
    _, dot, label = end.removesuffix(".").rpartition(".")
    if not text or (end and not (dot and _TOP_LABEL.fullmatch(label))):
        raise MacroError("not a domain name")
    return template


def read_text(text: str) -> Template:
    """Read an explain-string, or the value of a modifier that nobody knows."""
    template, _ = _read(text)
    return template


def target_name(template: Template, values: Mapping[str, str]) -> str:
    """Fill in a domain-spec: the name to ask for, without a last dot. It may be none that DNS can
    have: `is_name`.

    Args:
        values: by letter, those that `template.letters` names.
    """
    name = _right_end(template.tokens, values).removesuffix(".")
    if len(name) > NAME_MOST:
        # Whole labels go, from the left, until the rest fits (section 7.3).
        dot = name.find(".", len(name) - NAME_MOST - 1)
        name = name[dot + 1 :] if dot >= 0 else ""
    return name


def explain(template: Template, values: Mapping[str, str]) -> str:
    """Fill in an explanation; "" if it is not printable ASCII (section 6.2)."""
    text = ""
    for token in template.tokens:
        text += token if isinstance(token, str) else _filled(token, values)
        if len(text) > EXPLANATION_MOST:
            break
    text = text[:EXPLANATION_MOST]
    return text if text.isascii() and text.isprintable() else ""


def is_name(name: str) -> bool:
    """Whether DNS can have it: length and labels; what is in them is the resolver's matter."""
    return len(name) <= NAME_MOST and all(0 < len(label) <= LABEL_MOST for label in name.split("."))


def _read(text: str) -> tuple[Template, str]:
    """The template, and the literal at its end, "" if a macro-expand is there."""
    tokens: list[str | Macro] = []
    letters: set[str] = set()
    end, last = 0, ""
    while end < len(text):
        found = _TOKEN.match(text, end)
        if found is None:
            raise MacroError("not a macro" if text[end] == "%" else "not printable ASCII")
        end = found.end()
        letter, digits, reverse, delimiters, sign, literal = found.groups()
        last = literal or ""
        if letter is None:
            tokens.append(literal or _SIGNS[sign])
            continue
        letters.add(letter.lower())
        tokens.append(_macro(letter, digits, bool(reverse), delimiters))
    return Template(tuple(tokens), frozenset(letters)), last


def _macro(letter: str, digits: str, is_reversed: bool, delimiters: str) -> Macro:
    # Four digits tell that it is more than PARTS_MOST; int() refuses thousands of them.
    parts = digits.lstrip("0")
    if digits and not parts:
        raise MacroError("a macro that keeps no part")
    number = int(parts[:4] or "0")
    if (digits or is_reversed) and not delimiters:
        delimiters = "."
    return Macro(
        letter=letter.lower(),
        parts=min(number, PARTS_MOST),
        is_reversed=is_reversed,
        delimiters="".join(dict.fromkeys(delimiters)),
        is_escaped=letter.isupper(),
    )


def _right_end(tokens: tuple[str | Macro, ...], values: Mapping[str, str]) -> str:
    """The whole name, or as much of its end as can matter: a record of 8 KB has room for two
    thousand macros, each of which a sender's address of 254 octets may fill in."""
    if len(tokens) == 1 and isinstance(tokens[0], str):
        return tokens[0]
    pieces: list[str] = []
    length = 0
    for token in reversed(tokens):
        pieces.append(token if isinstance(token, str) else _filled(token, values))
        length += len(pieces[-1])
        if length > NAME_MOST + 2:
            break
    return "".join(reversed(pieces))


def _filled(macro: Macro, values: Mapping[str, str]) -> str:
    value = values[macro.letter]
    if macro.delimiters:
        parts: Iterable[str] = _split(value, macro.delimiters)
        if macro.is_reversed:
            parts = reversed(list(parts))
        value = ".".join(list(parts)[-macro.parts :])
    return quote(value, safe="") if macro.is_escaped else value


def _split(value: str, delimiters: str) -> list[str]:
    """Each delimiter splits: parts may be empty (section 7.3)."""
    first = delimiters[0]
    for other in delimiters[1:]:
        value = value.replace(other, first)
    return value.split(first)
