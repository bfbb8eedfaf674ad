"""Conversations: scripts become threads of letters, each answering the one before. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from apps.demo import days
from apps.demo.compose import words
from apps.demo.files import attach
from apps.demo.letters import Draft, Letter, write
from apps.demo.people import People, Person
from apps.demo.phrases import Filler

Script = Mapping[str, Any]

LIST = Person("timber", "Timber frame", "timber-frame@lists.holzbau.example")
READERS = ("maya", "jonas")  # of the list
CHATTER = 40  # letters of the longest thread
_AGAIN = {"de": "AW: "}
_PARTS = "ABCD"


def talk(
    script: Script, people: People, start: datetime, end: datetime, rng: Random
) -> Iterator[Letter]:
    """One run of a script; it breaks off before an answer after `end`, or where nobody answers."""
    start = min(start, end - timedelta(days=script.get("ended", 0)))
    cast = people.cast(script["cast"], rng)
    language = script.get("language", "en")
    names = dict(zip(_PARTS, (one.first for one in cast), strict=False))
    together = bool(script.get("together"))
    filler = Filler(rng, language, start, names, together=together)
    subject, at = filler.fill(script["subject"]), start
    stops = rng.randrange(2, len(script["turns"]) + 3)
    last: Letter | None = None
    for number, turn in enumerate(script["turns"][:stops], 1):
        speaker = cast[_PARTS.index(turn[0])]
        to, cc = _audience(speaker, cast, script, people, last)
        file = script.get("files", {}).get(str(number))
        draft = Draft(
            at=at,
            sender=speaker,
            to=to,
            cc=cc,
            subject=subject if last is None else _again(subject, speaker, language),
            words=filler.fill(turn[3:]),
            language=language,
            folder=script.get("folder", ""),
            label=script.get("label", ""),
            answers=last,
            files=(attach(file, rng, filler),) if file else (),
        )
        last = write(draft, rng)
        yield last
        at = days.answer_after(at, rng)
        if at > end:
            return


def _audience(
    speaker: Person,
    cast: list[Person],
    script: Script,
    people: People,
    last: Letter | None,
) -> tuple[tuple[Person, ...], tuple[Person, ...]]:
    """To whom and in copy: an alias where the script begins with one, then everybody who is in."""
    wide = tuple(people[key] for key in script.get("to", ()))
    if last is None:
        others = tuple(one for one in cast if one is not speaker)
        return (wide, ()) if wide else (others[:1], others[1:])
    first = last.sender if last.sender is not speaker else last.to[0]
    if wide:
        return (first,), tuple(one for one in wide if one is not first)
    return (first,), tuple(one for one in cast if one not in (speaker, first))


def _again(subject: str, speaker: Person, language: str) -> str:
    mark = _AGAIN.get(language, "Re: ") if speaker.mailer in {"legacy", "office"} else "Re: "
    return mark + subject


def list_talk(
    script: Script, people: People, start: datetime, end: datetime, rng: Random
) -> Iterator[Letter]:
    """The same on the mailing list: everybody writes to it, and it to its readers."""
    cast = people.cast(script["cast"], rng)
    if rng.random() < 0.3:
        cast[-1] = people["jonas"]
    filler = Filler(rng, "en", start)
    turns = [(cast[_PARTS.index(turn[0])], turn[3:]) for turn in script["turns"]]
    yield from _posts(filler.fill(script["subject"]), turns, filler, (start, end), rng)


def chatter(
    told: Mapping[str, Any], people: People, start: datetime, end: datetime, rng: Random
) -> Iterator[Letter]:
    """The longest thread."""
    pool = [people[key] for key in people.pools["timber"]]
    turns = [(rng.choice(pool), told["opening"])]
    for words_said in told["replies"]:
        turns.append((rng.choice([one for one in pool if one is not turns[-1][0]]), words_said))
    turns.insert(4, (people["jonas"], "A model of a bridge, at university. It was a nice drawing."))
    for number, key in ((9, "maya"), (17, "jonas"), (23, "maya")):
        turns.insert(
            number, (people[key], told["replies"][1] if number == 9 else "Thank you, list.")
        )
    yield from _posts(told["subject"], turns[:CHATTER], None, (start, end), rng)


def _posts(
    subject: str,
    turns: list[tuple[Person, str]],
    filler: Filler | None,
    span: tuple[datetime, datetime],
    rng: Random,
) -> Iterator[Letter]:
    at, end = span
    thread: list[Letter] = []
    for speaker, template in turns:
        said = filler or Filler(rng, "en", at)
        earlier = rng.choice(thread[-3:]) if thread else None
        shown = f"[timber] {subject}"
        draft = Draft(
            at=at,
            sender=speaker,
            to=(LIST,),
            subject=shown if earlier is None else f"Re: {shown}",
            words=said.fill(template),
            kind="list",
            folder="Lists/Timber",
            answers=earlier,
            fields=_LIST_FIELDS,
        )
        thread.append(write(draft, rng))
        yield thread[-1]
        at = days.answer_after(at, rng)
        if at > end:
            return


_LIST_FIELDS = (
    (
        "List-Id",
        f"{words('Timber frame: joints, tools, moisture')} <timber-frame.lists.holzbau.example>",
    ),
    ("List-Post", "<mailto:timber-frame@lists.holzbau.example>"),
    ("List-Archive", "<https://lists.holzbau.example/timber-frame/>"),
    (
        "List-Unsubscribe",
        "<https://lists.holzbau.example/leave/timber-frame>, <mailto:leave@lists.holzbau.example>",
    ),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("Precedence", "list"),
    ("Sender", "timber-frame-bounces@lists.holzbau.example"),
)
