"""The words of scripts and the table of keys."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from apps.webmail.shortcuts import GROUPS

STATIC = Path(settings.BASE_DIR) / "static" / "webmail"
_KEY = re.compile(r"\bkey\(\s*['\"`]([^'\"`$]+)['\"`]")
# Registered in a loop, or by what the browser does itself.
_BY_LOOP = {"g i", "g s", "g d", "g t", "g a"}


@pytest.mark.parametrize("language", ["en", "de", "uk"])
def test_the_words_are_a_script_that_may_be_kept(client: Client, language: str) -> None:
    answer = client.get(f"/words/{language}.js", secure=True)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert "max-age" in answer["Cache-Control"]
    assert b"ngettext" in answer.content


@pytest.mark.parametrize("language", ["tlh", "..", "en-GB", "%00"])
def test_no_other_language_has_words(client: Client, language: str) -> None:
    assert client.get(f"/words/{language}.js", secure=True).status_code == 404


def canonical(name: str) -> str:
    strokes = []
    for stroke in name.split(" "):
        *held, last = stroke.split("+") if len(stroke) > 1 else [stroke]
        if len(last) == 1 and last.isalpha() and last.isupper():
            held, last = [*held, "Shift"], last.lower()
        strokes.append("+".join([*held, last]))
    return " ".join(strokes)


def test_the_help_sheet_names_the_keys_that_there_are() -> None:
    code = "\n".join(file.read_text() for file in sorted(STATIC.glob("*.js")))
    registered = {canonical(name) for name in _KEY.findall(code)} | _BY_LOOP
    told = {canonical(key) for group in GROUPS for one in group.shortcuts for key in one.keys}

    assert told - registered == set()
    assert registered - told <= {"ArrowDown", "ArrowUp"}


def test_no_script_says_anything_that_is_not_translated() -> None:
    for file in sorted(STATIC.glob("*.js")):
        for found in re.findall(r"\btoast\(\s*['\"`]", file.read_text()):
            raise AssertionError(f"{file.name}: {found}")
