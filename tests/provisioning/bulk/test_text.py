"""What octets of a file spell."""

import codecs

import pytest

from apps.provisioning.bulk import text
from apps.provisioning.bulk.text import decoded
from apps.wire.errors import InvalidName

WORDS = "address,name\r\nzoë@example.test,Zoë Übelkeit\r\n"


@pytest.mark.parametrize(
    "octets",
    [
        WORDS.encode(),
        codecs.BOM_UTF8 + WORDS.encode(),
        codecs.BOM_UTF16_LE + WORDS.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + WORDS.encode("utf-16-be"),
    ],
)
def test_marks_and_utf_8_need_no_word(octets: bytes) -> None:
    found = decoded(octets)
    assert (found.characters, found.note) == (WORDS, "")


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_guessed_and_told(name: str) -> None:
    found = decoded(WORDS.encode(name))
    assert found.characters == WORDS
    assert "UTF-16" in found.note


def test_windows_1252_is_guessed_and_told() -> None:
    found = decoded(WORDS.encode("cp1252"))
    assert found.characters == WORDS
    assert "Windows-1252" in found.note


@pytest.mark.parametrize(
    "octets",
    [
        b"PK\x03\x04 a workbook",
        b"\xd0\xcf\x11\xe0 an old one",
        b"%PDF-1.7",
        b"\x1f\x8b\x08",
        b"address\0name",
        b"\x81\x8d\x8f\x90",
        b"\xff\xfe\x00",  # half a unit
        b"\xff\xfe\x00\xd8",  # half a pair
        b"\x89PNG\r\n\x1a\n\0\0\0",
    ],
)
def test_what_is_no_text_gets_one_sentence(octets: bytes) -> None:
    with pytest.raises(InvalidName) as refused:
        decoded(octets)
    assert refused.value.reply.text.startswith("This is not a CSV file.")


@pytest.mark.parametrize("octets", [b"", b" \r\n\t\n"])
def test_nothing(octets: bytes) -> None:
    with pytest.raises(InvalidName, match="empty"):
        decoded(octets)


def test_too_large() -> None:
    decoded(b"a" * text.LARGEST)
    with pytest.raises(InvalidName) as refused:
        decoded(b"a" * (text.LARGEST + 1))
    assert refused.value.reply.text == "A file has up to 5 MB"
