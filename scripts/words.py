"""Gathers the words of the interface and compiles their translations: `make words`.

Reads templates, Python and the scripts of the pages by GNU gettext, merges what is new into
locale/<language>/LC_MESSAGES/*.po, where people translate, and compiles the .mo files, which are
committed too: a running service needs no gettext. tests/webmail/test_locale.py holds all that.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import django
from django.utils.translation import template

ROOT: Final = Path(__file__).parent.parent
LANGUAGES: Final = ("de", "uk")
_PLURALS: Final = {
    "de": "nplurals=2; plural=(n != 1);",
    "uk": (
        "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 &&"
        " (n%100<12 || n%100>14) ? 1 : 2);"
    ),
}
_PYTHON: Final = (
    "--language=Python",
    *(f"--keyword={word}" for word in ("_", "gettext_lazy", "ngettext_lazy:1,2", "gettext_noop")),
    *("--keyword=pgettext:1c,2", "--keyword=npgettext:1c,2,3", "--keyword=pgettext_lazy:1c,2"),
)
_SCRIPT: Final = ("--language=JavaScript", "--keyword=word", "--keyword=plural:2,3")


def sources(domain: str) -> Iterator[tuple[str, str]]:
    """Name and text of each file, templates made into what xgettext takes for Python."""
    if domain == "djangojs":
        for file in sorted((ROOT / "static" / "webmail").rglob("*.js")):
            yield file.relative_to(ROOT).as_posix(), file.read_text()
        return
    for file in sorted((ROOT / "apps").rglob("*.py")):
        text = file.read_text()
        if "gettext" in text:
            yield file.relative_to(ROOT).as_posix(), text
    for file in sorted((ROOT / "templates").rglob("*.html")):
        yield (
            file.relative_to(ROOT).as_posix(),
            template.templatize(file.read_text(), origin=file.name),
        )


def gathered(domain: str, folder: Path) -> Path:
    """A template file (.pot) of all words in the code, made in a folder of the caller's."""
    made = folder / f"{domain}.pot"
    names = []
    for name, text in sources(domain):
        copy = folder / domain / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
        names.append(name)
    (folder / domain / "files").write_text("\n".join(names))
    options = _SCRIPT if domain == "djangojs" else _PYTHON
    _run(
        *("xgettext", "--from-code=UTF-8", "--add-location=file", "--sort-by-file"),
        *("--no-wrap", "--package-name=mailhost", *options),
        *("--files-from=files", f"--output={made}"),
        at=folder / domain,
    )
    text = made.read_text() if made.exists() else ""
    made.write_text(text.replace("charset=CHARSET", "charset=UTF-8"))
    return made


def catalogue(language: str, domain: str) -> Path:
    """The file in which a language is written."""
    return ROOT / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def merge(language: str, domain: str, template: Path) -> None:
    """Add what is new, drop what is gone; what was translated stays."""
    file = catalogue(language, domain)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        _run("msginit", "--no-translator", f"--locale={language}", "--no-wrap", "-i", str(template),
             "-o", str(file))  # fmt: skip
        text = file.read_text()
        for line in text.splitlines():
            if line.startswith('"Plural-Forms:'):
                text = text.replace(line, f'"Plural-Forms: {_PLURALS[language]}\\n"')
        file.write_text(text)
    _run("msgmerge", "-q", "--update", "--backup=none", "--no-wrap", "--no-fuzzy-matching",
         "--add-location=file", str(file), str(template))  # fmt: skip
    _run("msgattrib", "--no-obsolete", "--no-wrap", "-o", str(file), str(file))
    lines = file.read_text().splitlines(keepends=True)
    # The date of the run would change the file each time.
    file.write_text("".join(one for one in lines if not one.startswith('"POT-Creation-Date')))


def compile_words(language: str, domain: str, target: Path | None = None) -> Path:
    """The file that a running service reads; placeholders and plural forms are checked."""
    file = catalogue(language, domain)
    made = target or file.with_suffix(".mo")
    _run("msgfmt", "--check-format", "--check-header", "-o", str(made), str(file))
    return made


def _run(*command: str, at: Path = ROOT) -> None:
    subprocess.run(command, cwd=at, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})  # noqa: S603


def main() -> None:
    """Everything."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
    django.setup()
    with tempfile.TemporaryDirectory() as folder:
        for domain in ("django", "djangojs"):
            new = gathered(domain, Path(folder))
            for language in LANGUAGES:
                merge(language, domain, new)
                compile_words(language, domain)
    sys.stdout.write("locale/ is up to date\n")


if __name__ == "__main__":
    main()
