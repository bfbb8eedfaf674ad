"""Who keeps which letter where: the copies, with flags and keywords as people leave them. Pure."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from apps.demo.letters import Letter
from apps.demo.people import Account, People
from apps.demo.talks import READERS

SEEN, ANSWERED, FLAGGED, DRAFT = 1, 2, 4, 16
_LABELLERS = frozenset({"maya", "nadia", "jonas", "oskar", "lena"})
_UNREAD = ((1, 0.7), (3, 0.35), (10, 0.12), (60, 0.02))  # up to so many days old, how likely


@dataclass(frozen=True, slots=True)
class Copy:
    """A letter in somebody's mailbox.

    Args:
        user: the key of its owner.
        delivered_to: the address that it came by; empty for what its owner wrote.
    """

    letter: Letter
    user: str
    mailbox: str
    flags: int
    keywords: tuple[str, ...] = ()
    delivered_to: str = ""


def copies(letters: Sequence[Letter], people: People, end: datetime) -> Iterator[Copy]:
    """All copies of all letters, in their order."""
    accounts = {account.person.key: account for account in people.accounts}
    answered = {(one.sender.key, one.answers) for one in letters if one.answers}
    passed = {(one.sender.key, one.forwards) for one in letters if one.forwards}
    for letter in letters:
        own = accounts.get(letter.sender.key)
        if letter.kind == "draft":
            yield Copy(letter, letter.sender.key, "Drafts", SEEN | DRAFT)
            continue
        if own is not None:
            yield Copy(letter, letter.sender.key, "Sent", SEEN)
        for key in _readers(letter):
            mark = (key, letter.message_id)
            rng = Random(f"{letter.message_id}{key}")  # noqa: S311 - a demo, no secrets
            yield _kept(
                letter, accounts[key], (end - letter.at).days, rng,
                is_answered=mark in answered, is_passed_on=mark in passed,
            )  # fmt: skip


def _readers(letter: Letter) -> Iterable[str]:
    if letter.kind == "list":
        return READERS
    return dict.fromkeys(key for person in letter.to for key in person.reaches)


def _kept(
    letter: Letter, owner: Account, age: int, rng: Random, *, is_answered: bool, is_passed_on: bool
) -> Copy:
    mailbox = _mailbox(letter, owner, age, rng)
    is_done = is_answered or is_passed_on or owner.person.key == letter.sender.key
    flags = ANSWERED if is_answered else 0
    if is_done or not _is_unread(mailbox, age, rng):
        flags |= SEEN
    if letter.kind == "talk" and mailbox == "INBOX" and rng.random() < 0.06:
        flags |= FLAGGED
    keywords = ["$Forwarded"] if is_passed_on else []
    if mailbox == "Junk":
        keywords.append("$Junk")
    if letter.label and owner.person.key in _LABELLERS and rng.random() < 0.75:
        keywords.append(_atom(letter.label))
    person = owner.person
    return Copy(letter, person.key, mailbox, flags, tuple(keywords), person.address)


def _mailbox(letter: Letter, owner: Account, age: int, rng: Random) -> str:
    if letter.kind == "junk":
        return "Junk"
    luck = rng.random()
    if letter.kind == "notice" and 2 < age < 40 and luck < 0.2:
        return "Trash"
    tidy_after = -1 if letter.kind == "list" else 18
    if letter.folder in owner.folders and age > tidy_after and luck < 0.85:
        return letter.folder
    return "Archive" if age > 50 and luck < 0.8 else "INBOX"


def _is_unread(mailbox: str, age: int, rng: Random) -> bool:
    if mailbox == "Junk":
        return rng.random() < 0.6
    likely = next((share for days, share in _UNREAD if age < days), 0.0)
    return rng.random() < likely


def _atom(label: str) -> str:
    """A keyword is an atom of ASCII (RFC 3501 section 9)."""
    bare = unicodedata.normalize("NFKD", label.replace("Ł", "L")).encode("ascii", "ignore")
    return bare.decode().replace(" ", "-")
