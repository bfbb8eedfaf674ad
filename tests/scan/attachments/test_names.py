"""What names claim, and by which tricks."""

import pytest

from apps.scan.attachments import names


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("report.pdf", "pdf"),
        ("REPORT.PDF", "pdf"),
        ("setup.exe.", "exe"),
        ("setup.exe . . ", "exe"),
        ("setup.exe::$DATA", "exe"),
        ("setup\u2024exe", "exe"),
        ("setup.e\u200bxe", "exe"),
        ("setup.\uff45\uff58\uff45", "exe"),
        ("folder.d/readme", ""),
        ("folder\\setup.scr", "scr"),
        ("archive.tar.gz", "gz"),
        ("no ending", ""),
        (".bashrc", "bashrc"),
        ("", ""),
        ("a." + "x" * 40, ""),
    ],
)
def test_it_reads_what_a_program_is_chosen_by(name: str, ending: str) -> None:
    assert names.ending(name) == ending


def test_it_reads_a_nul_as_either_reader_does() -> None:
    assert set(names.endings("a.exe\x00.pdf")) == {"exe", "pdf"}
    assert names.group("a.exe\x00.pdf") == "program"


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("a.exe", "program"),
        ("a.jar", "program"),
        ("a.msi", "installer"),
        ("a.js", "script"),
        ("a.hta", "script"),
        ("a.lnk", "shortcut"),
        ("a.url", "link"),
        ("a.iso", "disk"),
        ("a.zip", "archive"),
        ("a.pdf", ""),
        ("a.docx", ""),
        ("a.py", ""),
    ],
)
def test_it_knows_what_opening_does(name: str, group: str) -> None:
    assert names.group(name) == group


@pytest.mark.parametrize(
    ("name", "trick"),
    [
        ("invoice.pdf.exe", "a second ending .pdf"),
        ("invoice.PDF  .scr", "a second ending .pdf"),
        ("invoice\u202efdp.exe", "characters that turn the direction of writing"),
        ("invoice.\u200bexe", "characters that cannot be seen"),
        ("invoice.exe\x00.pdf", "a NUL in the middle"),
        ("invoice.pdf          .exe", "many blanks before its end"),
        ("invoice.exe. ", "dots or blanks at its end"),
        ("invoice\u2024exe", "a dot that is none"),
    ],
)
def test_it_names_the_trick(name: str, trick: str) -> None:
    assert trick in names.disguises(name)


@pytest.mark.parametrize(
    "name",
    [
        "setup.exe",
        "my-tool-1.2.3.exe",
        "invoice.pdf",
        "invoice.pdf.zip",
        "minutes 2026.11.24.docx",
        "quarterly   figures.xlsx",
        "قائمة\u200f.pdf",
        "family\u200dphoto.jpg",
        "Mr. Smith.pdf",
    ],
)
def test_it_sees_no_trick_in_honest_names(name: str) -> None:
    assert names.disguises(name) == []


def test_it_shows_names_safely() -> None:
    assert names.leaf("../../etc/pass\x1b[2Jwd\x00\u202e.txt") == "pass\ufffd[2Jwd\ufffd\ufffd.txt"
    assert len(names.leaf("x" * 10_000)) == names.MOST


def test_it_is_quick_about_names_of_any_length() -> None:
    for name in ("." * 100_000, " " * 100_000 + ".exe", "a." * 50_000, ":" * 100_000):
        names.disguises(name)
        names.endings(name)
