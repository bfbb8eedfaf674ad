"""What a person has typed into a letter. Pure.

All of it is kept as it was typed, so that nothing is lost of what is not finished: half an address
stands in the field again when the letter is opened. What no message can hold (NUL, line ends in a
subject) goes here, before anybody sees it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from django.utils.translation import gettext as _

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
