"""All letters of the demo, oldest first. Pure: the same plan gives the same octets.

First comes one of everything, so that a small demo shows every kind too; then a deck of kinds goes
round until there are enough.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from apps.demo import days, notices, odds, talks
from apps.demo.letters import Letter
from apps.demo.people import People, people, read

SEED = 21
MESSAGES = 2_000
FEWEST = 250  # one of everything is about so many
_LOOK = 12  # rows of a deck among which the next one is chosen
# How often each kind comes round.
_DECK = "talk " * 26 + "other " * 12 + "notice " * 62 + "list " * 5 + "junk " * 10 + (
    "invitation invitation report passed passed"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for.

    Args:
        day: the demo's today; its noon is when the last letter has come.
        messages: about how many letters.
    """

    day: date
    seed: int = SEED
    messages: int = MESSAGES


def letters(plan: Plan) -> list[Letter]:
    """All of them, by the moment they were sent."""
    made = _Made(plan)
    made.one_of_everything()
    made.go_round()
    return sorted(made.letters, key=lambda letter: (letter.at, letter.message_id))


class _Made:
    """The letters so far."""

    def __init__(self, plan: Plan) -> None:
        self.letters: list[Letter] = []
        self._plan = plan
        self._end = days.noon(plan.day)
        self._people: People = people()
        self._items = 0
        self._decks: dict[str, deque[Any]] = {}
        self._used: dict[int, list[datetime]] = {}  # when each row of a deck was used
        weighted = [row for row in read("notices")["notice"] for _ in range(row.get("weight", 2))]
        self._shuffle("talk", read("talks")["talk"])
        self._shuffle("other", read("languages")["talk"])
        self._shuffle("notice", weighted)
        self._shuffle("list", read("lists")["talk"])
        self._shuffle("junk", read("junk")["junk"])
        self._shuffle("invitation", read("odds")["invitation"])
        self._shuffle("kinds", _DECK.split())
        self._makers: dict[str, Callable[[datetime, Random], Iterator[Letter]]] = {
            "talk": self._talk,
            "other": self._other,
            "notice": self._notice,
            "list": self._list,
            "junk": self._junk,
            "invitation": self._invitation,
            "report": self._report,
            "passed": self._passed_on,
        }

    def one_of_everything(self) -> None:
        """Each draft and oddity, each notice and language, bounces, and the longest thread."""
        told, end = read("odds"), self._end
        rng = self._rng("odds")
        for number, row in enumerate(told["draft"]):
            at = end - timedelta(hours=3 + 31 * number, minutes=rng.randrange(50))
            self.letters.append(odds.unsent(row, self._people, at, rng))
        for number, row in enumerate(told["wordless"]):
            at = end - timedelta(days=2 + 5 * number, minutes=rng.randrange(700))
            self.letters.append(odds.wordless(row, self._people, at, rng))
        start = end - timedelta(days=75, hours=3)
        self.letters += talks.chatter(read("lists")["chatter"], self._people, start, end, rng)
        for at in (end - timedelta(days=1, hours=2), end - timedelta(days=40)):
            self.letters += odds.undeliverable(self._people, at, rng)
            self.letters += odds.confirmed(self._people, at - timedelta(days=3), rng)
        for kind, rows in (("notice", read("notices")["notice"]), ("junk", read("junk")["junk"])):
            for row in rows:
                at, own = self._next(kind)
                maker = notices.notice if kind == "notice" else notices.junk
                self.letters.append(maker(row, self._people, at, own))
        for row in (*read("languages")["talk"], *read("lists")["talk"]):
            at, own = self._next("other")
            run = talks.list_talk if row in read("lists")["talk"] else talks.talk
            self.letters += run(row, self._people, at, end, own)
        for row in told["invitation"]:
            at, own = self._next("invitation")
            self.letters += odds.invitation(row, self._people, at, end, own)

    def go_round(self) -> None:
        """Deal kinds until there are enough letters."""
        while len(self.letters) < self._plan.messages:
            kind = self._deal("kinds")
            at, rng = self._next(kind)
            self.letters += self._makers[kind](at, rng)

    def _talk(self, at: datetime, rng: Random) -> Iterator[Letter]:
        return talks.talk(self._deal("talk", at), self._people, at, self._end, rng)

    def _other(self, at: datetime, rng: Random) -> Iterator[Letter]:
        return talks.talk(self._deal("other", at), self._people, at, self._end, rng)

    def _notice(self, at: datetime, rng: Random) -> Iterator[Letter]:
        yield notices.notice(self._deal("notice", at), self._people, at, rng)

    def _list(self, at: datetime, rng: Random) -> Iterator[Letter]:
        return talks.list_talk(self._deal("list", at), self._people, at, self._end, rng)

    def _junk(self, at: datetime, rng: Random) -> Iterator[Letter]:
        yield notices.junk(self._deal("junk", at), self._people, at, rng)

    def _invitation(self, at: datetime, rng: Random) -> Iterator[Letter]:
        return odds.invitation(self._deal("invitation"), self._people, at, self._end, rng)

    def _report(self, at: datetime, rng: Random) -> Iterator[Letter]:
        maker = rng.choice((odds.undeliverable, odds.undeliverable, odds.confirmed))
        return maker(self._people, at - timedelta(hours=1), rng)

    def _passed_on(self, at: datetime, rng: Random) -> Iterator[Letter]:
        """Of somebody who wrote to one of us from elsewhere."""
        theirs = [
            one
            for one in self.letters
            if one.kind == "talk" and not one.sender.is_user and any(to.is_user for to in one.to)
        ]
        if theirs:
            about = rng.choice(theirs)
            later = days.answer_after(about.at, rng)
            if later < self._end:
                yield odds.passed_on(about, self._people, later, rng)

    def _next(self, kind: str) -> tuple[datetime, Random]:
        """The moment of the next item, and luck of its own: what others use up changes nothing."""
        self._items += 1
        rng = self._rng(f"{kind}:{self._items}")
        return days.spread(self._items, self._end, rng), rng

    def _rng(self, name: str) -> Random:
        return Random(f"{self._plan.seed}:{name}")  # noqa: S311 - a demo, no secrets

    def _shuffle(self, name: str, rows: Sequence[Any]) -> None:
        shuffled = list(rows)
        self._rng(f"deck:{name}").shuffle(shuffled)
        self._decks[name] = deque(shuffled)

    def _deal(self, name: str, at: datetime | None = None) -> Any:
        """The next of a deck; with a moment, that of the next few whose use is farthest off."""
        deck = self._decks[name]
        choice = 0
        if at is not None:
            looked_at = list(deck)[:_LOOK]
            choice = max(range(len(looked_at)), key=lambda place: self._gap(looked_at[place], at))
        deck.rotate(-choice)
        row = deck.popleft()
        deck.rotate(choice)
        deck.append(row)
        if at is not None:
            self._used.setdefault(id(row), []).append(at)
        return row

    def _gap(self, row: Any, at: datetime) -> timedelta:
        used = self._used.get(id(row), ())
        return min((abs(one - at) for one in used), default=timedelta.max)
