"""The catalogues have every word of the code, and the compiled ones what the written ones have."""

import re
from pathlib import Path

import pytest

from scripts import words

DOMAINS = ("django", "djangojs")
_ENTRY = re.compile(
    r'^(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?) (".*(?:\n".*)*)', re.MULTILINE
)
_HOLES = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


def entries(file: Path) -> dict[tuple[str, str], list[str]]:
    """Translations by context and English words (both forms where there is a plural)."""
    found: dict[tuple[str, str], list[str]] = {}
    for paragraph in file.read_text().split("\n\n"):
        parts: dict[str, str] = {}
        for kind, quoted in _ENTRY.findall(paragraph):
            parts[kind] = "".join(line[1:-1] for line in quoted.split("\n"))
        if parts.get("msgid"):
            name = "\0".join(parts[one] for one in ("msgid", "msgid_plural") if one in parts)
            told = [text for kind, text in parts.items() if kind.startswith("msgstr")]
            found[parts.get("msgctxt", ""), name] = told
    return found


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_word_of_the_code_is_missing(domain: str, tmp_path: Path) -> None:
    code = set(entries(words.gathered(domain, tmp_path)))

    assert len(code) > 20
    for language in words.LANGUAGES:
        assert code - set(entries(words.catalogue(language, domain))) == set(), "make words"


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", words.LANGUAGES)
def test_the_compiled_words_are_those_that_are_written(
    domain: str, language: str, tmp_path: Path
) -> None:
    kept = words.catalogue(language, domain).with_suffix(".mo")

    made = words.compile_words(language, domain, tmp_path / "made.mo")

    assert made.read_bytes() == kept.read_bytes(), "make words"


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", words.LANGUAGES)
def test_what_is_filled_in_is_filled_in_in_every_language(domain: str, language: str) -> None:
    for (_, english), told in entries(words.catalogue(language, domain)).items():
        wanted = set(_HOLES.findall(english))
        for text in told:
            assert not text or set(_HOLES.findall(text)) <= wanted, (english, text)
