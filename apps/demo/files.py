"""Hangs the right file on a letter: a name such as `plan.png` says what is in it. Pure."""

from random import Random

from apps.demo import attachments, compose
from apps.demo.compose import Entity
from apps.demo.phrases import Filler

_ENDINGS = {
    "pdf": "application/pdf",
    "png": "image/png",
    "csv": 'text/csv; charset="utf-8"',
    "zip": "application/zip",
    "wav": "audio/wav",
}
_TABLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "list": ("Plant,Pots,Price", ("{plant},{many},{sum}", "{plant2},{few},{sum2}")),
    "accounts": ("What,Amount", ("Tickets,{sum}", "Hire,{sum2}", "Tea and biscuits,{sum3}")),
    "members": ("Name,Voice,Since", ("Boateng,alto,2019", "Pryce,soprano,2021", "Ellis,alto,2024")),
    "sales": ("Name,Seats", ("Ashworth,{few}", "Reid,2", "Pemberton,4", "Thorne,1")),
}
_LINES = (
    "<Drawn up for|Made out to> Fernhill Architects, 14 Tannery Yard, Leeds",
    "Number {number}",
    "",
    "1. {part}: <as drawn|to be agreed on site|by others>",
    "2. {material}, {many} square metres",
    "3. <Delivery|Handover>: {date}",
    "",
    "Total {sum}",
    "",
    "<All prices without tax.|Valid for thirty days.|Errors excepted, as ever.>",
)


def attach(name: str, rng: Random, filler: Filler) -> Entity:
    """The part that carries the file. The name shows what the letter was about."""
    stem, _, ending = name.rpartition(".")
    octets = _content(stem, ending, rng, filler)
    shown = filler.fill(_shown_name(stem, ending, rng))
    return compose.binary(octets, _ENDINGS[ending], shown)


def _shown_name(stem: str, ending: str, rng: Random) -> str:
    if ending == "png" and stem == "photo":
        return f"IMG_{rng.randrange(1000, 9999)}.png"
    if not stem.isascii():
        return f"{stem}.{ending}"
    return f"{stem}-{rng.choice(('v2', 'v3', 'final', '{number}', '{project}', 'rev C'))}.{ending}"


def _content(stem: str, ending: str, rng: Random, filler: Filler) -> bytes:
    match ending:
        case "png":
            return attachments.plan(rng) if stem == "plan" else attachments.photo(rng)
        case "csv":
            head, rows = _TABLES[stem]
            table = [head, *(filler.fill(row).replace(",", ";") for row in rows)]
            return attachments.csv([line.replace(";", ",").split(",") for line in table])
        case "wav":
            return attachments.wav(rng)
        case "zip":
            sketch = attachments.plan(rng)
            note = filler.fill("Drawings of {part} and {part2}.\n").encode()
            return attachments.archive((("sketch.png", sketch), ("read me.txt", note)))
    return attachments.pdf(stem.capitalize(), [filler.fill(line) for line in _LINES])
