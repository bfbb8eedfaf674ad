"""Rules about the subject. Pure."""

import re
from typing import Final

from apps.mime.address import take_apart
from apps.scan.rules.book import Book
from apps.scan.rules.scripts import disguised_words, fancy_word
from apps.scan.rules.seen import Seen

BOOK: Final = Book()

_SHOUT: Final = re.compile(r"[!?]{3,}|[$€£]{2,}|!\s?!\s?!|[\u2757\u203c\U0001f6a8\U0001f911]")
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
_PADDED: Final = re.compile(rb"\S[ \t\xa0]{6,}(\S{1,40})\s*\Z")
_LETTER: Final = re.compile(r"[^\W\d_]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


@BOOK.rule("SUBJECT_NONE", 0.8, "it has no subject")
def none(seen: Seen) -> str | None:
    letter = seen.letter
    return "it has no subject" if letter.header.fields and not letter.subject else None


@BOOK.rule("SUBJECT_CAPITALS", 1.5, "its subject is written in capitals: four words or more")
def capitals(seen: Seen) -> str | None:
    subject = seen.letter.subject
    letters = "".join(_LETTER.findall(subject))
    if len(letters) < 16 or len(_WORD.findall(subject)) < 4:
        return None
    # What has no case (Chinese, Arabic) is no capital.
    if not letters.isupper() or letters.upper() == letters.lower():
        return None
    return f"its subject is written in capitals: “{subject[:80]}”"


@BOOK.rule("SUBJECT_SHOUTS", 1.0, "its subject shouts: !!!, $$$, sirens")
def shouts(seen: Seen) -> str | None:
    subject = seen.letter.subject
    return f"its subject shouts: “{subject[:80]}”" if _SHOUT.search(subject) else None


@BOOK.rule(
    "SUBJECT_DISGUISED",
    2.5,
    "letters of another script or invisible characters disguise words of its subject",
)
def disguised(seen: Seen) -> str | None:
    words = disguised_words(seen.letter.subject)
    return f"words of its subject are disguised: “{words[0]}”" if words else None


@BOOK.rule("SUBJECT_FANCY", 0.7, "its subject is written in mathematical or encircled letters")
def fancy(seen: Seen) -> str | None:
    word = fancy_word(seen.letter.subject)
    return f"its subject is written in letters that are none: “{word[:40]}”" if word else None


@BOOK.rule(
    "SUBJECT_PADDED", 2.0, "something stands far behind its subject, where no list of mail shows it"
)
def padded(seen: Seen) -> str | None:
    header = seen.letter.header
    field = next((one for one in reversed(header.fields) if one.name == b"subject"), None)
    if field is None:
        return None
    # The blanks that a folded line begins with are nobody's.
    written = _FOLD.sub(b" ", header.raw[field.value_start : field.end][:4_000])
    found = _PADDED.search(written[-200:])
    if found is None:
        return None
    return f"“{found[1].decode('ascii', 'replace')}” stands far behind its subject"


@BOOK.rule(
    "SUBJECT_NAMES_MAILBOX",
    0.8,
    "its subject begins with the reader's address, or what stands before the @",
    incoming=True,
)
def names_mailbox(seen: Seen) -> str | None:
    subject = seen.letter.subject.casefold()
    for reader in seen.case.readers[:5]:
        local = take_apart(reader.written)[0].casefold()
        if len(local) < 3 or not subject.startswith(local):
            continue
        rest = subject[len(local) :].lstrip()
        if rest.startswith((",", ":", "!", "@", "-")):
            return f"its subject calls the reader “{local}”, as no friend does"
    return None
