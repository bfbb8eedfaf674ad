"""What a person has typed into a letter, and what of it are addresses. Pure.

All of it is kept as it was typed, so that nothing is lost of what is not finished: half an address
stands in the field again when the letter is opened. What no message can hold (NUL, line ends in a
subject) goes here, before anybody sees it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from apps.mime import charset
from apps.mime.address import Address, AddressError
from apps.mime.addresslist import HeaderMailbox, parse_address_list
from apps.mime.headers import clean
from apps.wire.errors import Refused

LONGEST_LIST: Final = 60_000  # characters of one list of addresses: 240,000 octets at most
LONGEST_SUBJECT: Final = 900  # characters
LONGEST_TEXT: Final = 1_000_000  # characters
LONGEST_HTML: Final = 1_000_000  # characters; a form has two million octets in all
_ADDRESS_MAX: Final = 320  # characters of `Address.key`
LONGEST: Final = {
    "from": _ADDRESS_MAX,
    "to": LONGEST_LIST,
    "cc": LONGEST_LIST,
    "bcc": LONGEST_LIST,
    "subject": LONGEST_SUBJECT,
    "html": LONGEST_HTML,
    "text": LONGEST_TEXT,
}
"""Characters of each field of the form."""
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LINE_ENDS: Final = re.compile(r"\r\n?")
_BETWEEN: Final = re.compile(r"[\r\n]+")


class FieldRefused(Refused):
    """A field cannot be as it was typed. `field` is its name in the form; `asks` whether the person
    may say that it is meant so."""

    http_status = 422

    def __init__(self, field: str, text: str, *, asks: bool = False) -> None:
        super().__init__(field, text=text)
        self.field = field
        self.asks = asks


@dataclass(frozen=True, slots=True)
class Fields:
    """What stands in the fields of a letter. `sender` is an `Address.key`; of `html` and `text` the
    one that counts is said by `is_plain`."""

    sender: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    html: str = ""
    text: str = ""
    is_plain: bool = False
    has_receipt: bool = False

    def as_json(self) -> str:
        """For the row; ASCII alone, so that no database is upset by what it holds."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Fields":
        """What `as_json` made; what is missing there is empty."""
        kept = json.loads(text or "{}")
        return cls(**{name: kept[name] for name in cls.__dataclass_fields__ if name in kept})

    def as_form(self) -> dict[str, str]:
        """Under the names that the form has."""
        return {
            "from": self.sender,
            "to": self.to,
            "cc": self.cc,
            "bcc": self.bcc,
            "subject": self.subject,
            "html": self.html,
            "text": self.text,
            "plain": "1" if self.is_plain else "",
            "receipt": "1" if self.has_receipt else "",
        }


def taken(form: Mapping[str, Any]) -> Fields:
    """The fields of a form.

    Raises:
        FieldRefused: one is longer than a message can hold.
    """
    made = Fields(
        sender=_line(form, "from"),
        to=_lines(form, "to"),
        cc=_lines(form, "cc"),
        bcc=_lines(form, "bcc"),
        subject=_line(form, "subject"),
        html=_lines(form, "html"),
        text=_lines(form, "text"),
        is_plain=form.get("plain") == "1",
        has_receipt=form.get("receipt") == "1",
    )
    return replace(made, html="") if made.is_plain else made


def _line(form: Mapping[str, Any], name: str) -> str:
    """One line; what looks like several is one."""
    return clean(_BETWEEN.sub(" ", _typed(form, name)))


def _lines(form: Mapping[str, Any], name: str) -> str:
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", _typed(form, name)))


def _typed(form: Mapping[str, Any], name: str) -> str:
    text = str(form.get(name) or "")
    if len(text) > LONGEST[name]:
        words = _("This is too long: at most %(count)d characters")
        raise FieldRefused(name, words % {"count": LONGEST[name]})
    return text


class People(NamedTuple):
    """The addresses in a list, each with the name before it, and the words that are none."""

    found: tuple[tuple[str, Address], ...]
    odd: tuple[str, ...]


def people(text: str) -> People:
    """Read a list of addresses as people type and paste them: commas, semicolons or lines between,
    with names or without (RFC 5322 section 3.4, groups too). An address twice is there once."""
    found: dict[str, tuple[str, Address]] = {}
    odd: list[str] = []
    octets = _BETWEEN.sub(",", text).encode("utf-8", "replace")
    for one in parse_address_list(octets):
        if one.is_marker:
            continue
        try:
            address = Address.build(_decoded(one.local), _decoded(one.host))
        except AddressError:
            odd.append(_as_typed(one))
        else:
            name = clean(_decoded(one.name))
            found.setdefault(address.key, ("" if name == str(address) else name, address))
    return People(tuple(found.values()), tuple(odd))


def listed(found: tuple[tuple[str, Address], ...]) -> str:
    """A list of addresses as one would type it; `people` reads the same from it."""
    return ", ".join(_spelled(name, str(address)) for name, address in found)


def spelled(name: str, address: str) -> str:
    """One of a list, of an address that may be none: it is for the person to see."""
    return _spelled(clean(name), clean(address))


def _spelled(name: str, address: str) -> str:
    if not name:
        return address
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>' if re.search(r"[^\w .-]", name) else f"{name} <{address}>"


def _decoded(octets: bytes | None) -> str:
    return charset.decode(octets) if octets else ""


def _as_typed(one: HeaderMailbox) -> str:
    local, host, name = _decoded(one.local), _decoded(one.host), _decoded(one.name)
    spelled_out = f"{local}@{host}" if host else local
    return clean(f"{name} <{spelled_out}>" if name and spelled_out else name or spelled_out)[:200]
