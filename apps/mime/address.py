"""Mail addresses: the only module of the project that splits at "@".

`Address` is one mailbox name in canonical form: local part unquoted and in Unicode form C, domain
in lower-case A-labels or a normalised address literal. Two spellings of one mailbox are equal:
`"alice"@Example.COM.` is `alice@example.com`. Parsing promises `AddressError` and nothing else
for any text or bytes, and time linear in their length. Syntax: RFC 5321 section 4.1.2 with the
UTF-8 of RFC 6531 section 3.3, domains by IDNA 2008 (RFC 5891) after UTS 46 mapping.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import idna

MAX_ADDRESS = 254  # Octets: a path of 256 with its angle brackets, RFC 5321 section 4.5.3.1.3.
MAX_DOMAIN = 255  # Octets, RFC 5321 section 4.5.3.1.2.
MAX_LABEL = 63  # Octets, RFC 1035 section 2.3.4.
MAX_LOCAL = 64  # Octets, RFC 5321 section 4.5.3.1.1; held to only by `strict`, see Address.parse.
MAX_INPUT = 2_000  # Octets looked at, at all: room for source routes, quoting and U-labels.

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\x80-\U0010ffff"
# Dots may stand anywhere: "a..b@" and "a.@" are real mailboxes of Japanese carriers.
_DOT_STRING = re.compile(rf"[{_ATEXT}.]++")
_STRICT_DOT_STRING = re.compile(rf"[{_ATEXT}]++(?:\.[{_ATEXT}]++)*+")
_QUOTED_STRING = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*+)"')
_QUOTED_PAIR = re.compile(r"\\(.)")
# A quoted local part may hold ">"; only a ">" outside quotes closes the path.
_BRACKETS = re.compile(rb'<((?:[^"<>]++|"(?:[^"\\]++|\\.)*+")*+)>')
_TO_QUOTE = re.compile(r'["\\]')
_LDH = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?))*+"
)
_FORBIDDEN = re.compile(
    # Controls and separators; zero-width and direction marks that make one name look like another.
    "[\x00-\x1f\x7f-\xa0\xad\u1680\u180e\u2000-\u200b\u2028-\u202f\u205f-\u2064\u2066-\u206f"
    "\u3000\ufeff\ufff9-\uffff\ud800-\udfff]"
)


# Scripts that one honest label mixes; any other mixture is shown as A-label (UTS 39 section 5.2).
_SCRIPTS_TOGETHER = (
    frozenset(("LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA")),
    frozenset(("LATIN", "CJK", "BOPOMOFO")),
    frozenset(("LATIN", "CJK", "HANGUL")),
)
# A label of nothing but these can be read as Latin: "\u0430\u0440\u0440\u04cf\u0435" is no apple.
_CYRILLIC_LIKE_LATIN = frozenset(
    "\u0430\u0441\u0435\u0456\u0458\u04cf\u043e\u0440\u0455\u0445\u0443\u0501\u04bb\u051b\u051d\u0475"
    "0123456789-"
)


class AddressError(ValueError):
    """The text is no mail address. The message is ours and never quotes the input."""


class Utf8NotAllowedError(AddressError):
    """The path needs SMTPUTF8 and the client did not ask for it (553 5.6.7, RFC 6531 3.5)."""


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox name. Make it with `parse` or `build`, which keep it canonical."""

    local: str
    domain: str

    @classmethod
    def parse(cls, text: str | bytes, *, strict: bool = False) -> Address:
        """Return the address `text` spells, without angle brackets; raise AddressError.

        `strict` is for names we give out ourselves: local part of at most 64 octets, no empty
        atoms. Without it a longer one passes (the whole is bounded by 254 octets): bounce paths
        of SRS and VERP senders are longer than the RFC's minimum, and refusing them loses mail.
        """
        text = _text(text)
        local, rest = _take_local(text)
        if not rest.startswith("@"):
            raise AddressError("address has no domain")
        return cls.build(local, rest[1:], strict=strict)

    @classmethod
    def build(cls, local: str, domain: str, *, strict: bool = False) -> Address:
        """Return the address of an unquoted local part and a domain; raise AddressError."""
        local = unicodedata.normalize("NFC", local)
        if _FORBIDDEN.search(local.replace(" ", "")):
            raise AddressError("local part has a forbidden character")
        if not local:
            raise AddressError("local part is empty")
        if strict:
            _check_strictly(local)
        address = cls(local, normalise_domain(domain))
        if len(str(address).encode("utf-8")) > MAX_ADDRESS:
            raise AddressError("address is too long")
        return address

    def __str__(self) -> str:
        """Return the address for the wire, local part quoted if it must be."""
        return f"{_quote(self.local)}@{self.domain}"

    @property
    def key(self) -> str:
        """The form to look mailboxes up by: local part case-folded, never quoted."""
        return f"{unicodedata.normalize('NFC', self.local.casefold())}@{self.domain}"

    @property
    def display(self) -> str:
        """The address for people, domain in U-labels where that is safe to show."""
        return f"{_quote(self.local)}@{display_domain(self.domain)}"

    @property
    def is_ascii(self) -> bool:
        """Whether the address can travel without SMTPUTF8 (the domain always can)."""
        return self.local.isascii()

    @property
    def is_literal(self) -> bool:
        """Whether the domain is an IP address in brackets."""
        return self.domain.startswith("[")

    def detail(self, separator: str = "+") -> str:
        """Return what stands after the first separator, "" if none: RFC 5233 sub-addressing."""
        head, _, detail = self.local.partition(separator)
        return detail if head else ""

    def without_detail(self, separator: str = "+") -> Address:
        """Return the address without separator and detail; itself if it has none."""
        head, found, _ = self.local.partition(separator)
        return Address(head, self.domain) if head and found else self


@dataclass(frozen=True, slots=True)
class Path:
    """What stood in the angle brackets of MAIL or RCPT.

    address: None for the null path "<>" and for "<postmaster>".
    null, postmaster: which of these two it was.
    has_route: an obsolete source route was there and is dropped (RFC 5321 appendix C).
    has_brackets: false if the client left the angle brackets out.
    rest: what follows the path, parameters with their leading space, as received.
    """

    address: Address | None
    null: bool = False
    postmaster: bool = False
    has_route: bool = False
    has_brackets: bool = True
    rest: bytes = b""


def parse_path(raw: bytes, *, smtputf8: bool) -> Path:
    """Return the path that begins `raw`, what follows "FROM:" or "TO:"; raise AddressError.

    Spaces before the path and missing brackets are forgiven: scanners and scripts do both.
    """
    if len(raw) > MAX_INPUT * 2:
        raise AddressError("address is too long")
    raw = raw.lstrip(b" \t")
    inner, rest, has_brackets = _cut_path(raw)
    if rest[:1] not in (b"", b" "):
        raise AddressError("unexpected text after the path")
    if not inner:
        if not has_brackets:
            raise AddressError("path is missing")
        return Path(None, null=True, rest=rest)
    if not smtputf8 and not inner.isascii():
        raise Utf8NotAllowedError("non-ASCII address without SMTPUTF8")
    text = _text(inner)
    mailbox = _strip_route(text)
    has_route = mailbox is not text
    if mailbox.casefold() == "postmaster":
        return Path(None, False, True, has_route, has_brackets, rest)
    return Path(Address.parse(mailbox), False, False, has_route, has_brackets, rest)


def take_apart(text: str) -> tuple[str, str]:
    """Return the unquoted local part and the domain of what may be no address; check neither.

    For those who must judge what a stranger said. Without "@" all of it is the domain.
    """
    quoted = _QUOTED_STRING.match(text)
    if quoted is not None and text[quoted.end() : quoted.end() + 1] == "@":
        return _QUOTED_PAIR.sub(r"\1", quoted[1]), text[quoted.end() + 1 :]
    local, _, domain = text.rpartition("@")
    return local, domain


def looks_like_one(text: str) -> bool:
    """Whether somebody may have meant an address, or the end of one: it has the sign that divides
    them. A Message-ID has it too."""
    return "@" in text


def normalise_domain(text: str) -> str:
    """Return the domain in lower-case A-labels, or the literal; raise AddressError.

    One trailing dot means the same domain to the DNS, so it must mean the same to us.
    """
    if text.startswith("["):
        return _normalise_literal(text)
    if len(text) > MAX_INPUT:
        raise AddressError("domain is too long")
    if not text.isascii():
        if len(text) > MAX_DOMAIN:  # No valid name grows shorter as A-labels.
            raise AddressError("domain is too long")
        return _to_a_labels(text)
    domain = text.lower().removesuffix(".")
    if len(domain) > MAX_DOMAIN or not _LDH.fullmatch(domain):
        raise AddressError("domain is not valid")
    return domain


@lru_cache(maxsize=1_024)
def display_domain(a_label: str) -> str:
    """Return the domain in U-labels; as it is when it has none, or when they are not valid."""
    if "xn--" not in a_label:
        return a_label
    labels = []
    for label in a_label.split("."):
        try:
            labels.append(_display_label(label) if label.startswith("xn--") else label)
        except (idna.IDNAError, UnicodeError):
            labels.append(label)
    return ".".join(labels)


def _display_label(label: str) -> str:
    """Return the U-label, or the A-label itself when people might take it for another name."""
    shown = idna.decode(label)
    # A label must come back to itself, or two domains would show as one.
    if idna.encode(shown).decode("ascii") != label:
        return label
    if mixes_scripts(shown):
        return label
    return label if set(shown) <= _CYRILLIC_LIKE_LATIN else shown


def mixes_scripts(label: str) -> bool:
    """Whether a U-label is of letters of several scripts, as no language writes them."""
    # The word a Unicode name begins with names the script: "CYRILLIC SMALL LETTER A".
    scripts = {unicodedata.name(char, "?").split()[0] for char in label if char.isalpha()}
    return len(scripts) > 1 and not any(scripts <= one for one in _SCRIPTS_TOGETHER)


def _text(text: str | bytes) -> str:
    if len(text) > MAX_INPUT:
        raise AddressError("address is too long")
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise AddressError("address is not UTF-8") from None


def _take_local(text: str) -> tuple[str, str]:
    """Return the local part, unquoted, and all that follows it."""
    if (quoted := _QUOTED_STRING.match(text)) is not None:
        return _QUOTED_PAIR.sub(r"\1", quoted[1]), text[quoted.end() :]
    plain = _DOT_STRING.match(text)
    if plain is None:
        raise AddressError("local part is not valid")
    return plain[0], text[plain.end() :]


def _check_strictly(local: str) -> None:
    if len(local.encode("utf-8", "replace")) > MAX_LOCAL:
        raise AddressError("local part is too long")
    if not _STRICT_DOT_STRING.fullmatch(local):
        raise AddressError("local part has a character we do not give out")


def _quote(local: str) -> str:
    if _STRICT_DOT_STRING.fullmatch(local):
        return local
    return '"' + _TO_QUOTE.sub(r"\\\g<0>", local) + '"'


def _cut_path(raw: bytes) -> tuple[bytes, bytes, bool]:
    """Return what the brackets hold, what follows them, and whether there were any."""
    if not raw.startswith(b"<"):
        end = raw.find(b" ")
        end = len(raw) if end < 0 else end
        return raw[:end], raw[end:], False
    found = _BRACKETS.match(raw)
    if found is None:
        raise AddressError("path is not closed")
    return found[1], raw[found.end() :], True


def _strip_route(text: str) -> str:
    """Return the mailbox of "@a,@b:mailbox" (RFC 5321 section 4.1.2 A-d-l); the same if none."""
    if not text.startswith("@"):
        return text
    route, found, mailbox = text.partition(":")
    if not found:
        raise AddressError("source route is not valid")
    for hop in route.split(","):
        if not hop.startswith("@"):
            raise AddressError("source route is not valid")
        normalise_domain(hop[1:])
    return mailbox


@lru_cache(maxsize=1_024)
def _to_a_labels(text: str) -> str:
    try:
        domain = idna.encode(text, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise AddressError("domain is not valid") from None
    domain = domain.removesuffix(".")
    if len(domain) > MAX_DOMAIN or not _LDH.fullmatch(domain):
        raise AddressError("domain is not valid")
    return domain


def _normalise_literal(text: str) -> str:
    """Return an address literal in canonical form, RFC 5321 section 4.1.3."""
    if len(text) > MAX_LABEL or not text.endswith("]"):
        raise AddressError("address literal is not valid")
    inner = text[1:-1]
    try:
        if inner[:5].lower() == "ipv6:":
            if "%" in inner:  # A zone index means something on one host only.
                raise AddressError("address literal is not valid")
            return f"[IPv6:{ipaddress.IPv6Address(inner[5:]).compressed}]"
        return f"[{ipaddress.IPv4Address(inner)}]"
    except ipaddress.AddressValueError:
        raise AddressError("address literal is not valid") from None
