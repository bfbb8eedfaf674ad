"""The fields of the page of policies: what each is called, what it means, and how its text is read.

An empty text asks for what the wider scope has.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apps.directory.limits import UNBOUNDED
from apps.directory.services.limits import HIGHEST as MOST_SENT
from apps.scan.models.policies import NEVER
from apps.scan.services.thresholds import HIGHEST
from apps.wire.numbers import whole_number

Own = float | int | bool | None
"""What is set in a place: points, a number, whether filtering is off; None: nothing."""
MOST_TEXT: Final = 20


@dataclass(frozen=True, slots=True)
class Field:
    """A field.

    Args:
        short: as it is called in a sentence.
        sort: points, count or filter.
        unit: stands after the box.
    """

    name: str
    label: str
    hint: str
    short: str
    sort: str
    unit: str = ""


THRESHOLDS: Final = (
    Field(
        "junk",
        "Move to Junk from score",
        "Mail with so many points goes to the Junk folder of its reader.",
        "Junk score",
        "points",
    ),
    Field(
        "refuse",
        "Refuse at the door from score",
        "The sender's server is told at once, so that no bounce goes to a forged address.",
        "refuse score",
        "points",
    ),
    Field(
        "hold",
        "Hold mail that is sent from here from score",
        "It waits in the queue for an administrator: a taken-over account does no more harm.",
        "hold score",
        "points",
    ),
    Field(
        "filter",
        "Spam filter",
        "Off: mail is delivered whatever its score is. Viruses are still refused, and files still"
        " checked.",
        "spam filter",
        "filter",
    ),
)
LIMITS: Final = (
    Field(
        "messages_per_hour",
        "Messages per hour",
        "Beyond it, sending has to wait until the hour is over.",
        "messages per hour",
        "count",
        "an hour",
    ),
    Field("messages_per_day", "Messages per day", "", "messages per day", "count", "a day"),
    Field(
        "recipients_per_hour",
        "Recipients per hour",
        "Each recipient of each message counts.",
        "recipients per hour",
        "count",
        "an hour",
    ),
    Field("recipients_per_day", "Recipients per day", "", "recipients per day", "count", "a day"),
    Field(
        "recipients_per_message",
        "Recipients per message",
        "",
        "recipients per message",
        "count",
        "a message",
    ),
)
FIELDS: Final[Mapping[str, Field]] = {one.name: one for one in (*THRESHOLDS, *LIMITS)}


class WrongTextError(ValueError):
    """A text that is no value; says so to who wrote it."""


def read(field: Field, text: str) -> Own:
    """The value that somebody wrote; None for an empty text.

    Raises:
        WrongTextError
    """
    text = text.strip()
    if not text:
        return None
    if field.sort == "filter":
        if text not in {"on", "off"}:
            raise WrongTextError("Choose on, off or what counts more widely.")
        return text == "off"
    return _points(text) if field.sort == "points" else _count(field, text)


def _points(text: str) -> float:
    if text.lower() == "never":
        return NEVER
    try:
        is_plain = len(text) <= MOST_TEXT and text.isascii() and "_" not in text
        value = float(text.replace(",", ".")) if is_plain else math.nan
    except ValueError:
        value = math.nan
    if not 0 < value <= HIGHEST:  # also what is no number
        raise WrongTextError(
            f"A number above 0 and up to {HIGHEST:.0f}, or “never”. Empty: what counts more widely."
        )
    return value


def _count(field: Field, text: str) -> int:
    most = UNBOUNDED if field.name == "recipients_per_message" else MOST_SENT
    found = whole_number(text, most)
    if found is None:
        raise WrongTextError(f"A whole number from 0 to {most:,}; 0 is no limit.")
    return found


def shown(field: Field, value: Own) -> str:
    """The text of a value, as `read` takes it."""
    if value is None:
        return ""
    if field.sort == "filter":
        return "off" if value else "on"
    if field.sort == "points" and value >= NEVER:
        return "never"
    return f"{value:.10g}"


def told(field: Field, value: Own) -> str:
    """A value in a sentence."""
    if field.sort == "count" and not value:
        return "no limit"
    return f"{value:,}" if field.sort == "count" else shown(field, value)
