"""A letter, and the habits of the programs that people write with. Pure.

Habits (`Person.mailer`): `plain` writes text in UTF-8; `legacy` writes the
charset that the language had before Unicode; `rich` and `office` send HTML beside the text, the
second with a block of header lines above what it quotes; `phone` is short and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from random import Random

from apps.demo import compose, days
from apps.demo.compose import Entity
from apps.demo.html import paragraphs, quoted
from apps.demo.people import Person, read
from apps.mime.dates import format_date

RIGHT_TO_LEFT = frozenset({"ar", "he"})
_CHARSETS = {
    "de": "iso-8859-1",
    "fr": "iso-8859-15",
    "pl": "iso-8859-2",
    "tr": "iso-8859-9",
    "el": "iso-8859-7",
    "ru": "koi8-r",
    "he": "windows-1255",
    "ar": "windows-1256",
    "zh": "gb18030",
    "ja": "iso-2022-jp",
    "ko": "euc-kr",
}
_AGENTS = {
    "plain": "Larkmail 7.2",
    "legacy": "Postkutsche 4.81 (legacy charsets)",
    "rich": "Otter Mail 12",
    "office": "Counting House 2024",
    "phone": "Pocket Mail 3",
}
_QUOTED_LINES = 30
_REFERENCES = 12  # kept in one letter: the first, and the last ones


@dataclass(frozen=True, slots=True)
class Letter:
    """A message and what has to be known of it to file it.

    Args:
        raw: as its sender handed it in.
        to: who gets it, Cc included; aliases as themselves.
        words: the writer's own words, for whoever quotes them.
        kind: talk, list, notice, junk, report, invitation or draft.
        folder: where a tidy recipient keeps it in the end.
        label: a keyword that a tidy recipient gives it.
        answers: the Message-ID that it answers; `forwards`: that it passes on.
    """

    at: datetime
    sender: Person
    to: tuple[Person, ...]
    subject: str
    raw: bytes = field(repr=False)
    message_id: str
    words: str = ""
    references: tuple[str, ...] = ()
    kind: str = "talk"
    folder: str = ""
    label: str = ""
    answers: str = ""
    forwards: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a letter is to be, before it is written."""

    at: datetime
    sender: Person
    to: tuple[Person, ...]
    subject: str
    words: str
    cc: tuple[Person, ...] = ()
    language: str = "en"
    kind: str = "talk"
    folder: str = ""
    label: str = ""
    answers: Letter | None = None
    forwards: Letter | None = None
    files: tuple[Entity, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    body: Entity | None = None  # instead of what the program would make of the words


def write(draft: Draft, rng: Random) -> Letter:
    """Write it as its sender's program would."""
    charset = charset_of(draft)
    message_id = new_id(draft.sender, rng)
    entity = draft.body or _body(draft, charset, rng)
    if draft.files:
        entity = compose.multipart("mixed", (entity, *draft.files), boundary(rng))
    references = _references(draft)
    return Letter(
        at=draft.at,
        sender=draft.sender,
        to=(*draft.to, *draft.cc),
        subject=draft.subject,
        raw=compose.message(_fields(draft, charset, message_id, references), entity),
        message_id=message_id,
        words=draft.words,
        references=references,
        kind=draft.kind,
        folder=draft.folder,
        label=draft.label,
        answers=draft.answers.message_id if draft.answers else "",
        forwards=draft.forwards.message_id if draft.forwards else "",
        language=draft.language,
    )


def charset_of(draft: Draft) -> str:
    """What the sender's program writes: UTF-8, or an older one that has all the letters."""
    if draft.sender.mailer != "legacy":
        return "utf-8"
    charset = _CHARSETS.get(draft.language, _CHARSETS.get(draft.sender.language, "utf-8"))
    try:
        (_text(draft) + draft.subject).encode(charset)
    except UnicodeEncodeError:
        return "utf-8"
    return charset


def new_id(sender: Person, rng: Random) -> str:
    """A Message-ID of the sender's host."""
    return f"<{rng.getrandbits(72):018x}@{sender.host}>"


def boundary(rng: Random) -> str:
    """What divides parts."""
    return f"=_{rng.getrandbits(64):016x}"


def _fields(
    draft: Draft, charset: str, message_id: str, references: Sequence[str]
) -> list[tuple[str, str]]:
    def people(some: Sequence[Person]) -> str:
        return ", ".join(compose.mailbox(one.name, one.address, charset) for one in some)

    fields = [
        ("Date", format_date(days.local(draft.at, draft.sender.zone))),
        ("From", people([draft.sender])),
    ]
    if draft.to:
        fields.append(("To", people(draft.to)))
    if draft.cc:
        fields.append(("Cc", people(draft.cc)))
    fields += [("Subject", compose.words(draft.subject, charset)), ("Message-ID", message_id)]
    if draft.answers:
        fields.append(("In-Reply-To", draft.answers.message_id))
    if references:
        fields.append(("References", " ".join(references)))
    if draft.kind in {"talk", "list", "draft"}:
        fields.append(("User-Agent", _AGENTS[draft.sender.mailer]))
    return [*fields, *draft.fields]


def _references(draft: Draft) -> tuple[str, ...]:
    if draft.answers is None:
        return ()
    all_of_them = (*draft.answers.references, draft.answers.message_id)
    if len(all_of_them) <= _REFERENCES:
        return all_of_them
    return (all_of_them[0], *all_of_them[1 - _REFERENCES :])


def _body(draft: Draft, charset: str, rng: Random) -> Entity:
    text = _text(draft)
    mailer = draft.sender.mailer
    if mailer == "phone" and draft.language == "tr":
        return compose.eight_bit(text)
    plain = compose.text(text, charset=charset)
    if mailer not in {"rich", "office"}:
        return plain
    own = paragraphs(_signed(draft))
    earlier = quoted(_said(draft), draft.answers.words) if draft.answers else ""
    side = ' dir="rtl"' if draft.language in RIGHT_TO_LEFT else ""
    html = (
        f'<html lang="{draft.language}"><body><div{side} style="font-family: Georgia, serif;'
        f' font-size: 15px; line-height: 1.55">{own}{earlier}</div></body></html>'
    )
    return compose.multipart(
        "alternative", (plain, compose.text(html, "html", charset)), boundary(rng)
    )


def _text(draft: Draft) -> str:
    signed = _signed(draft)
    if draft.answers is None:
        return f"{signed}\n"
    lines = draft.answers.words.splitlines()[:_QUOTED_LINES]
    quote = "\n".join(f"> {line}".rstrip() for line in lines)
    if draft.kind == "list":  # where people still answer below
        return f"{_said(draft)}\n{quote}\n\n{signed}\n"
    return f"{signed}\n\n{_said(draft)}\n{quote}\n"


def _signed(draft: Draft) -> str:
    sign = draft.sender.sign
    if not sign or draft.kind == "draft":
        return draft.words
    if draft.sender.mailer == "phone":
        return f"{draft.words}\n\n{sign}"
    return f"{draft.words}\n\n-- \n{sign}" if "\n" in sign else f"{draft.words}\n\n{sign}"


def _said(draft: Draft) -> str:
    earlier = draft.answers
    assert earlier is not None
    if draft.sender.mailer == "office":
        sent = f"{days.local(earlier.at, draft.sender.zone):%Y-%m-%d %H:%M}"
        names = ", ".join(one.name for one in earlier.to)
        return (
            f"-----Original Message-----\nFrom: {earlier.sender.name}\nSent: {sent}\nTo: {names}\n"
            f"Subject: {earlier.subject}\n"
        )
    date = f"{days.local(earlier.at, draft.sender.zone):%d.%m.%Y %H:%M}"
    return _said_in(draft.language).format(date=date, name=earlier.sender.name)


@cache
def _said_in(language: str) -> str:
    found: str = read("habits")["said"][language]
    return found
