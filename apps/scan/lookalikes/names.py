"""Whether a domain looks like another one, and which of many it looks like. Pure.

Compared are the labels that people register: `exarnple` of mail.exarnple.com with `example`. Names
of one organisation never imitate each other. To look among thousands costs a handful of look-ups:
names are found by what they look like, and by the half of it that one wrong letter leaves alone.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from apps.mailauth.suffixes import organisational
from apps.scan.lookalikes.glyphs import seen, skeleton

SHORTEST: Final = 4  # letters of a label: shorter ones look like each other by chance
SHORTEST_NEAR: Final = 6  # the same where a letter differs, or words are added
LONGEST: Final = 63

# What forgers put beside a name: sign in here, pay there. In names as they are registered.
_ADDED: Final = frozenset(
    "account accounts admin alert app auth bank billing care center client confirm customer"
    " delivery desk docs help helpdesk hr id info invoice it konto login mail manage member my"
    " notice office online pay payment payments payroll portal reset safe secure security service"
    " services share sicher signin sso staff support team tracking update user validate verify"
    " verification web webmail".split()
)


class Kind(StrEnum):
    """How a name imitates another one."""

    LIKE = "like"  # it looks the same
    NEAR = "near"  # a letter differs, or a word is added
    ENDING = "ending"  # the same name under another ending


RANK: Final = {kind: rank for rank, kind in enumerate((Kind.LIKE, Kind.NEAR, Kind.ENDING))}
"""From worst to harmless."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A name that imitates `target`; `words` follow the name: "looks like example.org"."""

    kind: Kind
    target: str
    words: str


def label_of(domain: str) -> str:
    """The label that somebody registered: `example` of mail.example.co.uk."""
    return organisational(domain).partition(".")[0]


def likeness(host: str, target: str) -> Likeness | None:
    """How `host` imitates `target`, if it does. Both are lower-case A-labels."""
    organisation = organisational(host)
    original = organisational(target)
    if organisation == original:
        return None
    label, wanted = label_of(organisation), label_of(original)
    if not SHORTEST <= len(wanted) <= LONGEST:
        return None
    shown = seen(organisation)
    if label == wanted:
        return Likeness(Kind.ENDING, original, f"{shown} is {original} with another ending")
    look, wanted_look = skeleton(label), skeleton(wanted)
    if look == wanted_look:
        return Likeness(Kind.LIKE, original, f"{shown} looks like {original}")
    if f".{original}." in f".{host}":
        words = f"{seen(host)} begins like {original} and is of {shown}"
        return Likeness(Kind.LIKE, original, words)
    if len(wanted) < SHORTEST_NEAR:
        return None
    if _one_apart(look, wanted_look) and not _only_digits_differ(label, wanted):
        words = f"{shown} is one letter away from {original}"
        return Likeness(Kind.NEAR, original, words)
    if added := _added(label, wanted, wanted_look):
        words = f'{shown} is {original} with "{added}" added'
        return Likeness(Kind.NEAR, original, words)
    return None


class Names:
    """Many targets, to find those that a name may imitate without comparing it with each.

    Args:
        domains: of which the first `MOST` count.
    """

    MOST: Final = 2_000
    MOST_FOUND: Final = 5
    MOST_ALIKE: Final = 30
    """Of those that begin or end alike: of a thousand like shop0815.example some are left out, or
    a message that names fifty more of them would keep us busy."""

    def __init__(self, domains: Iterable[str]) -> None:
        # Hashes for keys: there are many of these, and what is found by chance is compared anyway.
        self._by_key: dict[int, tuple[str, ...]] = {}
        self._organisations: set[str] = set()
        for domain in domains:
            if len(self._organisations) >= self.MOST:
                break
            self._add(organisational(domain))

    def __contains__(self, domain: str) -> bool:
        """Whether a domain is of one of these organisations."""
        return organisational(domain) in self._organisations

    def __len__(self) -> int:
        return len(self._organisations)

    def near(self, host: str) -> list[str]:
        """Targets that a host imitates, as `likeness` finds: at most `MOST_FOUND`, those that it is
        most like first."""
        found = {target for key in _keys(host) for target in self._by_key.get(key, ())}
        alike = [one for target in found if (one := likeness(host, target)) is not None]
        alike.sort(key=lambda one: (RANK[one.kind], one.target))
        return [one.target for one in alike[: self.MOST_FOUND]]

    def _add(self, organisation: str) -> None:
        if organisation in self._organisations:
            return
        self._organisations.add(organisation)
        look = skeleton(label_of(organisation))
        if not SHORTEST <= len(look) <= LONGEST:
            return
        half = len(look) // 2
        for key in (
            hash(look),
            _half(len(look), look[:half], is_first=True),
            _half(len(look), look[half:], is_first=False),
            _letters(look),
        ):
            before = self._by_key.get(key, ())
            if len(before) < self.MOST_ALIKE:
                self._by_key[key] = (*before, organisation)


@lru_cache(maxsize=4_096)
def _keys(host: str) -> tuple[int, ...]:
    """What to look a host up by: its label, halves of it, what is left without added words, and the
    labels before it, where another's whole name may stand.

    Remembered: a message with a hundred readers has each of its hosts looked up for each.
    """
    return tuple(dict.fromkeys(_keys_of(host)))


def _keys_of(host: str) -> Iterator[int]:
    *before, _ = host.removesuffix(organisational(host)).split(".")
    for label in before[-20:]:
        yield hash(skeleton(label))
    label = label_of(host)[:LONGEST]
    look = skeleton(label)
    yield hash(look)
    yield _letters(look)
    for length in (len(look) - 1, len(look), len(look) + 1):
        half = length // 2
        yield _half(length, look[:half], is_first=True)
        yield _half(length, look[len(look) - length + half :], is_first=False)
    for cut in _cuts(label):
        yield hash(skeleton(cut))


def _half(length: int, letters: str, *, is_first: bool) -> int:
    """The key of one half of a name of so many letters: wherever one letter is wrong, missing or
    too much, one half is as it should be."""
    return hash((length, is_first, letters))


def _letters(look: str) -> int:
    """The key of the letters in any order, for two that changed places across the middle."""
    return hash((len(look), "".join(sorted(look))))


def _cuts(label: str) -> Iterator[str]:
    """What is left of a label without words that forgers add at its beginning and end."""
    for place in range(1, len(label)):
        if label[:place].strip("-") in _ADDED:
            yield label[place:].strip("-")
        if label[place:].strip("-") in _ADDED:
            yield label[:place].strip("-")
    words = label.split("-")
    while words and words[0] in _ADDED:
        del words[0]
    while words and words[-1] in _ADDED:
        del words[-1]
    if words:
        yield "-".join(words)


def _added(label: str, wanted: str, wanted_look: str) -> str:
    """The word that was added to a name, "" if none was."""
    for cut in _cuts(label):
        if cut == wanted or skeleton(cut) == wanted_look:
            return " ".join(filter(None, re.split("-+", label.replace(cut, "-", 1))))
    return ""


def _one_apart(left: str, right: str) -> bool:
    """Whether one letter is added, left out, replaced, or two neighbours changed places."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    a, b = left[start:], right[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])


def _only_digits_differ(label: str, wanted: str) -> bool:
    """`studio54` and `studio53` are two firms."""
    without = re.sub(r"[0-9]", "", label)
    return len(without) < len(label) and without == re.sub(r"[0-9]", "", wanted)
