"""Fills templates: `<this|or that>` becomes one of the two, `{hole}` a word that fits. Pure.

A `Filler` belongs to one conversation: a hole keeps its word in it, so that a letter and its answer
speak of the same stair.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from random import Random

from apps.demo import days
from apps.demo.people import read

_CHOICE = re.compile(r"<([^<>]*\|[^<>]*)>")
_HOLE = re.compile(r"\{([A-Za-z]+)(\d?)\}")
_STREETS = ("Mill Lane", "Tannery Yard", "Canal Street", "Beech Lane", "Weir Road", "Chapel Hill")
_DIGITS = "23456789"
_SUMS = (140, 385, 640, 920, 1_240, 1_860, 2_450, 3_100, 4_720, 8_900)
_MAKERS: dict[str, Callable[[Random, datetime], str]] = {
    "clock": lambda rng, _: f"{rng.randrange(9, 19)}:{rng.choice(('00', '15', '30', '45'))}",
    "few": lambda rng, _: str(rng.randrange(2, 10)),
    "many": lambda rng, _: str(rng.randrange(11, 98)),
    "code": lambda rng, _: "".join(rng.choice(_DIGITS) for _ in range(6)),
    "number": lambda rng, at: f"{at.year}-{rng.randrange(1000, 9999)}",
    "street": lambda rng, _: f"{rng.randrange(2, 140)} {rng.choice(_STREETS)}",
    "fare": lambda rng, _: f"£{rng.randrange(8, 64)}.{rng.choice(('00', '40', '60', '90'))}",
}


class Filler:
    """Fills the templates of one conversation.

    Args:
        at: when it begins; days and dates in the text lie soon after.
        names: words that are known already (`A` is whoever plays A).
        together: all choices of as many words take the same one: the first subject belongs to the
            first text, and the first answer to both.
    """

    def __init__(
        self,
        rng: Random,
        language: str,
        at: datetime,
        names: Mapping[str, str] | None = None,
        *,
        together: bool = False,
    ) -> None:
        self._together = together
        self._chosen: dict[int, int] = {}
        self._rng = rng
        self._language = language
        self._at = at
        self._known: dict[str, str] = dict(names or {})

    def fill(self, template: str) -> str:
        """The text of a template; holes first met now get their word now."""
        chosen = _CHOICE.sub(lambda found: self._choice(found[1].split("|")), template)
        return _HOLE.sub(lambda found: self._word(found[1], found[2]), chosen)

    def _choice(self, words: list[str]) -> str:
        if not self._together:
            return self._rng.choice(words)
        if len(words) not in self._chosen:
            self._chosen[len(words)] = self._rng.randrange(len(words))
        return words[self._chosen[len(words)]]

    def _word(self, name: str, number: str) -> str:
        key = name + number
        if key not in self._known:
            self._known[key] = self._new(name)
        return self._known[key]

    def _new(self, name: str) -> str:
        if words := words_of(self._language).get(name) or words_of("en").get(name):
            used = set(self._known.values())
            return self._rng.choice([word for word in words if word not in used] or words)
        return self._made(name)

    def _made(self, name: str) -> str:
        if name in {"day", "date", "month"}:
            return self._soon(name)
        if name == "sum":
            return self._money(self._rng.choice(_SUMS) + self._rng.randrange(0, 80, 5))
        if name == "budget":
            return self._money(self._rng.randrange(40, 400) * 1_000)
        return _MAKERS[name](self._rng, self._at)

    def _soon(self, name: str) -> str:
        soon = self._at + timedelta(days=self._rng.randrange(1, 7))
        if soon.weekday() > 4:
            soon += timedelta(days=2)  # appointments are on working days
        if name == "day":
            return days.weekday(soon, self._language)
        if name == "month":
            return days.month(self._at, self._language)
        return days.day_and_month(soon + timedelta(days=7), self._language)

    def _money(self, amount: int) -> str:
        if self._language == "en":
            return f"£{amount:,}"
        return f"{amount:,} €".replace(",", "." if self._language == "de" else " ")


@cache
def words_of(language: str) -> dict[str, list[str]]:
    """The words that go into holes."""
    found: dict[str, list[str]] = read("words").get(language, {})
    return found
