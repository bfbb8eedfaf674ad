"""What we answer for the broken messages beside what is recorded of other servers.

The rule: a field must be what one of the servers that took the message says; so where all of them
agree there is no choice. `DIFFERENCES` has what we say otherwise, with the reason.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tests.mime.broken.fields import Fields
from tests.mime.broken.record import ANSWERS


@dataclass(frozen=True, slots=True)
class Difference:
    """Fields in which we go our own way. A field may end in "*"; so may a message."""

    reason: str
    messages: tuple[str, ...]
    fields: tuple[str, ...]

    def covers(self, message: str, field: str) -> bool:
        """Whether this field of this message is meant."""
        return _matches(message, self.messages) and _matches(field, self.fields)


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return any(
        text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
        for pattern in patterns
    )


DIFFERENCES: Final = (
    Difference(
        "The address is there to be read; one server loses it, the other makes up a second one.",
        (
            "address: address as a name",
            "address: angle twice",
            "address: apostrophes",
            "address: at in the name",
            "address: group in a group",
            "address: no local part in brackets",
            "address: quote closed too late",
            "address: quote inside a word",
            "address: quote never closed",
            "address: route without colon",
            "address: semicolon for comma",
            "address: space in the local part",
            "address: spaces around dots",
            "address: two ats",
        ),
        ("envelope to",),
    ),
    Difference(
        "The same, in a message inside.",
        ("message: addresses broken",),
        ("part 1 envelope from", "part 1 envelope sender", "part 1 envelope reply-to"),
    ),
    Difference(
        "A host that is missing has one name with us, wherever it is missing.",
        ("address: no host behind the at in brackets",),
        ("envelope to",),
    ),
    Difference(
        "A lone end of a group is no mailbox.",
        ("address: group end alone",),
        ("envelope to",),
    ),
    Difference(
        "RFC 2045 section 5.2: a Content-Type that cannot be read is text/plain in US-ASCII.",
        (
            "type: slash and word",
            "type: multipart with an empty subtype",
            "type: comment never closed",
        ),
        ("part type", "part parameters", "part lines"),
    ),
    Difference(
        "NUL goes out as 0x80 everywhere; Dovecot does so in bodies only.",
        ("octets: NUL in a field",),
        ("envelope subject",),
    ),
    Difference(
        "What was appended is kept to its last octet; Dovecot drops a CR at the end.",
        ("octets: line ends of CR",),
        ("size", "BODY[*"),
    ),
    Difference(
        "An empty line ends the fields that were picked, whether the header has one or not.",
        (
            "header: alone, without a line end",
            "header: a text that is none",
            "octets: one letter",
            "message: is the whole body, which is empty",
        ),
        ("BODY[HEADER.FIELDS*", "BODY[1.HEADER.FIELDS*"),
    ),
    Difference(
        "CR CR LF is no empty line, so what follows is header still.",
        ("octets: CR CR LF",),
        ("BODY[HEADER.FIELDS.NOT (DATE SUBJECT)]",),
    ),
    Difference(
        "A leaf has no part 1 below it, as Cyrus says (it refuses this message).",
        ("octets: parts with line ends of LF",),
        ("BODY[1.1]", "BODY[1.1.MIME]"),
    ),
    Difference(
        "Runs of white space are kept as Cyrus keeps them (it refuses this message).",
        ("octets: line ends of CR",),
        ("envelope subject",),
    ),
)


@cache
def _recorded() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return content


def recorded_names() -> list[str]:
    """The messages that are in the file."""
    return list(_recorded()["messages"])


def answers_for(name: str) -> dict[str, Fields]:
    """What each server that took the message said."""
    found: dict[str, Fields] = {server: {} for server in _recorded()["servers"]}
    for key, value in _recorded()["messages"][name].items():
        for server, fields in found.items():
            if not isinstance(value, dict):
                fields[key] = value
            elif server in value:
                fields[key] = value[server]
    return {
        server: fields
        for server, fields in found.items()
        if "refused" not in fields and "failed" not in fields
    }


def mismatches(name: str, ours: Fields, *, asked: tuple[str, ...] = ("",)) -> dict[str, Any]:
    """Fields that no server has as we have them: what each says, and what we say.

    asked: what the names of the fields that were asked of us begin with.
    """
    answers = answers_for(name)
    if "refused" in ours and len(answers) < len(_recorded()["servers"]):
        return {}  # We are not the only ones.
    keys = {key for fields in (ours, *answers.values()) for key in fields}
    found: dict[str, Any] = {}
    for key in sorted(key for key in keys if key.startswith(asked)):
        values = {server: fields.get(key) for server, fields in answers.items()}
        value = ours.get(key)
        # A section that is not there is NIL for Cyrus and us, empty for Dovecot.
        is_absent = value in ("", None) and key.startswith("BODY[")
        if value in values.values() or (is_absent and "" in values.values()):
            continue
        found[key] = {**values, "ours": value}
    return found


def unexplained(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """Those of the mismatches that `DIFFERENCES` does not list."""
    return {
        key: values
        for key, values in found.items()
        if not any(difference.covers(name, key) for difference in DIFFERENCES)
    }
