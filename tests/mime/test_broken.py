"""Broken mail is answered as Dovecot and Cyrus answer it (tests/mime/broken).

Here what is derived at delivery and cut from stored parts; the same through the door is in
tests/imap/test_broken.py.
"""

import pytest

from apps.mime.derive import derive
from apps.mime.lineends import with_crlf
from apps.mime.sections import What, load_parts, section_range
from tests.mime.broken import compare
from tests.mime.broken.fields import Fields, envelope_fields, kept, structure_fields
from tests.mime.broken.imapsyntax import read_list
from tests.mime.broken.messages import all_messages
from tests.mime.broken.record import items_for

MESSAGES = all_messages()
# Filters and partials are of the door.
ASKED = ("size", "envelope", "part", "further", "BODY[")


def ours(name: str) -> Fields:
    raw = with_crlf(MESSAGES[name])
    derived = derive(raw)
    root = load_parts(derived.parts)
    found: Fields = {}
    for item in items_for(name):
        if item == "ENVELOPE":
            found |= envelope_fields(read_list(derived.envelope))
        elif item == "BODYSTRUCTURE":
            found |= structure_fields(read_list(derived.bodystructure))
        elif item == "RFC822.SIZE":
            found["size"] = len(raw)
        elif is_plain_section(item):
            section = item.removeprefix("BODY.PEEK[").removesuffix("]")
            found[f"BODY[{section}]"] = octets(root_range(root, section), raw)
    return kept(found)


def is_plain_section(item: str) -> bool:
    return item.startswith("BODY.PEEK[") and "FIELDS" not in item and not item.endswith(">")


def root_range(root: object, section: str) -> tuple[int, int] | None:
    numbers = [int(word) for word in section.split(".") if word.isdigit()]
    words = [word for word in section.split(".") if not word.isdigit()]
    what: What = "" if not words else words[0]  # type: ignore[assignment]
    return section_range(root, numbers, what)  # type: ignore[arg-type]


def octets(found: tuple[int, int] | None, raw: bytes) -> str | None:
    if found is None:
        return None
    return raw[found[0] : found[1]].replace(b"\0", b"\x80").decode("latin-1")


def found_mismatches(name: str) -> dict[str, object]:
    found = compare.mismatches(name, ours(name), asked=ASKED)
    return {key: value for key, value in found.items() if "FIELDS" not in key and "<" not in key}


@pytest.mark.parametrize("name", MESSAGES)
def test_it_answers_as_others_do(name: str) -> None:
    assert compare.unexplained(name, found_mismatches(name)) == {}


def test_it_has_the_answers_of_all_messages() -> None:
    assert compare.recorded_names() == list(MESSAGES)
    assert sum(len(compare.answers_for(name)) for name in MESSAGES) > 1.9 * len(MESSAGES)


@pytest.mark.parametrize("difference", compare.DIFFERENCES, ids=lambda one: one.reason)
def test_it_lists_no_difference_that_is_none(difference: compare.Difference) -> None:
    if all("FIELDS" in field for field in difference.fields):
        return  # What the door picks is asked at the door.
    for message in difference.messages:
        fields = found_mismatches(message)
        assert any(difference.covers(message, field) for field in fields), message
