"""A message as rules look at it: what several of them want to know, found out once. Pure."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from apps.mailauth.suffixes import organisational
from apps.mailauth.types import Authentication, Result
from apps.reception.judging import Judgement
from apps.scan.authors import Author, author_of
from apps.scan.base import Case
from apps.scan.history.freemail import is_freemail
from apps.scan.letter import Letter, Person
from apps.scan.rules.phrases import Family, phrases_in

TEXT_MAX: Final = 40_000  # characters in which rules look for words

_WORD: Final = re.compile(r"\w+")
_ADDRESS: Final = re.compile(
    r"[\w.+'-]{1,64}+@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24})(?![\w-])",
    re.IGNORECASE,
)
_HOST: Final = re.compile(
    r"(?<![\w.@-])((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24})(?![\w-])",
    re.IGNORECASE,
)


def shown_domains(name: str) -> tuple[str, ...]:
    """The domains that a display name shows, in addresses or alone; lower case, at most five."""
    name = name[:200]
    found = [one[1].lower() for one in _ADDRESS.finditer(name)]
    found += [one[1].lower() for one in _HOST.finditer(name)]
    return tuple(dict.fromkeys(found))[:5]


def shows_address(name: str) -> bool:
    """Whether a display name has an address in it."""
    return _ADDRESS.search(name[:200]) is not None


class Seen:
    """One case.

    Args:
        given: what `lookup.gather` found for it.
    """

    def __init__(self, case: Case, given: Mapping[str, Any] | None) -> None:
        self.case: Final = case
        self.letter: Final[Letter] = case.letter
        self._given: Final[Mapping[str, Any]] = given or {}

    # What was looked up.

    @cached_property
    def ours(self) -> frozenset[str]:
        """Those of the domains it names that are ours."""
        return frozenset(self._given.get("ours", ()))

    @property
    def colleagues(self) -> Sequence[Mapping[str, Any]]:
        """Users of ours who are called as its author is: name, shown, address, organization."""
        found: Sequence[Mapping[str, Any]] = self._given.get("colleagues", ())
        return found

    @property
    def returned(self) -> bool | None:
        """Of a bounce: whether a user of ours sent what it returns; None if that is not known."""
        found: bool | None = self._given.get("returned")
        return found

    # Who sent it.

    @cached_property
    def judgement(self) -> Judgement:
        """What the door found out."""
        return Judgement.from_data(self.case.judgement)

    @property
    def found(self) -> Authentication:
        """What was found out about its sender."""
        return self.judgement.case.authentication

    @property
    def is_judged(self) -> bool:
        """Whether the door looked at who sent it, and it is nobody whom we trust anyway."""
        return (
            bool(self.case.judgement)
            and not self.judgement.case.is_trusted
            and not self.case.is_outgoing
        )

    @cached_property
    def author(self) -> Author:
        """Its one author, and what proves that; empty if there is not exactly one."""
        return author_of(self.case)

    @property
    def person(self) -> Person:
        """The first mailbox of From."""
        return self.letter.author

    @property
    def is_proven(self) -> bool:
        """Whether something shows that its author's domain stands behind it."""
        return bool(self.author.proof)

    @cached_property
    def is_unproven(self) -> bool:
        """Whether nothing shows it, although all was asked and answered."""
        if not self.is_judged or self.is_proven:
            return False
        found = self.found
        owed = [found.spf.result, found.arc.result, *(one.result for one in found.dkim)]
        return not found.is_temporary and Result.TEMPERROR not in owed

    # What kind of mail it is.

    @cached_property
    def list_domain(self) -> str:
        """The organisational domain in List-Id, "" without one (RFC 2919)."""
        value = self.letter.text_of("list-id")
        named = re.search(r"<([\w.-]{1,250})>\s*$", value) or re.search(r"([\w.-]{1,250})$", value)
        return organisational(named[1].strip(".").lower()) if named is not None else ""

    @cached_property
    def is_list_post(self) -> bool:
        """Whether a mailing list distributed it, and a proof shows that the list did.

        A List-Id alone is worth nothing: anybody may write one.
        """
        if not self.list_domain:
            return False
        if self.found.arc.vouched:
            return True
        return self.list_domain in {organisational(one) for one in self.found.proven}

    @property
    def is_known_list(self) -> bool:
        """Whether it is a post of a list that we have reason to believe: one that has brought mail
        on other days, or brings what a user of ours sent, or for which somebody vouches.

        Else whoever owns a domain could call himself a list, and write in anybody's name.
        """
        return self.is_list_post and bool(self.found.arc.vouched or self._given.get("list"))

    @cached_property
    def is_bulk(self) -> bool:
        """Whether it says that it goes to many."""
        letter = self.letter
        return (
            letter.has("list-unsubscribe")
            or letter.has("list-id")
            or letter.text_of("precedence").lower() in {"bulk", "list", "junk"}
        )

    @property
    def is_from_freemail(self) -> bool:
        """Whether its author's address is with a provider where anybody may have one."""
        return is_freemail(self.person.domain)

    # What it says.

    @cached_property
    def text(self) -> str:
        """Its beginning as it can be read, letters as they are."""
        return self.letter.text[:TEXT_MAX]

    @cached_property
    def folded(self) -> str:
        """Subject and text without regard to case."""
        return f"{self.letter.subject}\n{self.text}".casefold()

    @cached_property
    def tokens(self) -> list[str]:
        """What stands between blanks in the text, as it is written."""
        return self.text.split()

    @cached_property
    def words(self) -> list[str]:
        """The words of subject and text, case folded."""
        return _WORD.findall(self.folded)

    @cached_property
    def phrases(self) -> Mapping[Family, tuple[str, ...]]:
        """The phrases of each family that it holds, each once."""
        return phrases_in(self.words, self.folded)

    def weight(self, family: Family) -> int:
        """How many phrases of a family it holds, those that say much counted twice."""
        return sum(2 if one.startswith("!") else 1 for one in self.phrases.get(family, ()))

    def quoted(self, *families: Family) -> str:
        """Some of the phrases found, for people."""
        found = [one.lstrip("!") for family in families for one in self.phrases.get(family, ())]
        return ", ".join(f"“{one}”" for one in found[:4])

    @cached_property
    def has_web_link(self) -> bool:
        """Whether a reader can follow it anywhere."""
        return any(
            link.place in {"a", "text", "area", "form"}
            and not link.href.lower().startswith(("mailto:", "tel:", "#", "cid:"))
            for link in self.letter.links
        )
