"""Names that imitate others: of the author, of who gets the answer, and in links.

Imitated are the domains of the reader's organisation, those that the reader writes to, and brands.
A domain that a reader writes to imitates nobody.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

from apps.mailauth.suffixes import organisational
from apps.mime.address import mixes_scripts
from apps.scan import urls
from apps.scan.base import Case, Finding, Given, Reader
from apps.scan.lookalikes import brands
from apps.scan.lookalikes.glyphs import reads_as_latin, seen, unicode_of
from apps.scan.lookalikes.names import Likeness, Names, likeness
from apps.scan.lookalikes.queries import CORRESPONDENTS, OURS
from apps.scan.lookalikes.rules import AUTHOR_NAMES_BRAND, mixed_scripts, reads_latin, rule_for
from apps.scan.rulebook import Rule

MOST: Final = 50  # different domains in the links of a message that are looked at
REPLIES: Final = 3  # domains of Reply-To
LONGEST: Final = 100  # characters of a domain in words

_WHERE: Final = {"AUTHOR": "the author's", "REPLY": "the reply's", "LINK": "a link's"}


@dataclass(frozen=True)
class Named:
    """The domains that a message names, each once, by where it names them."""

    case: Case

    @cached_property
    def by_place(self) -> dict[str, tuple[str, ...]]:
        """Domains by AUTHOR, REPLY, LINK; one that stands in several stands in the first."""
        letter = self.case.letter
        places: dict[str, Iterable[str]] = {}
        if not self.case.is_outgoing:
            places["AUTHOR"] = [one.domain for one in letter.authors[:REPLIES]]
            places["REPLY"] = [one.domain for one in letter.reply_to[:REPLIES]]
        places["LINK"] = self._hosts()
        before: set[str] = set()
        found = {}
        for place, domains in places.items():
            fresh = dict.fromkeys(one for one in domains if one and one not in before)
            before.update(fresh)
            found[place] = tuple(fresh)
        return found

    @property
    def all(self) -> list[str]:
        """All of them."""
        return [one for domains in self.by_place.values() for one in domains]

    def _hosts(self) -> list[str]:
        found: dict[str, None] = {}
        for link in self.case.letter.links:
            url = urls.read(link.href)
            if url is not None and url.scheme in urls.WEB and url.address is None:
                found[url.host] = None
                if len(found) >= MOST:
                    break
        return list(found)


class Lookalikes:
    """The check. What it gathers: whom the message may imitate, for each organisation and reader,
    and which of the domains that imitate somebody each reader writes to."""

    name: ClassVar[str] = "lookalikes"

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        named = [Named(case).all for case in cases]
        ours = OURS.of({reader.organization_id for case in cases for reader in case.readers})
        known = CORRESPONDENTS.of({reader.user_id for case in cases for reader in case.readers})
        return [
            _given(case.readers, domains, ours, known)
            for case, domains in zip(cases, named, strict=True)
        ]

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        named = Named(case)
        given = given or {}
        writes = {} if case.is_outgoing else given.get("writes", {})
        return [
            *_displayed(case),
            *_of_scripts(named),
            *_of_brands(case, named, writes),
            *_of_ours(case, named, given.get("ours", {}), writes),
            *_of_known(case, named, _others(given), writes),
        ]


def _given(
    readers: Sequence[Reader],
    domains: Sequence[str],
    ours: Mapping[int, Names],
    known: Mapping[int, Names],
) -> Given:
    near_ours: dict[str, list[str]] = {}
    suspects = [one for one in domains if brands.imitated(one) is not None]
    for organization in sorted({reader.organization_id for reader in readers}):
        names = ours[organization]
        suspects += [one for one in domains if one not in names and names.near(one)]
        near_ours[str(organization)] = _near(names, domains)
    near_known, writes = {}, {}
    for reader in readers:
        names, number = known[reader.user_id], str(reader.user_id)
        near_known[number] = _near(names, domains)
        # Beside a stranger that imitates somebody, a partner may be as close to the same one.
        doubted = domains if near_known[number] else dict.fromkeys(suspects)
        writes[number] = [one for one in doubted if one in names]
    found = {"ours": near_ours, "known": near_known, "writes": writes}
    kept = {what: {one: some for one, some in of.items() if some} for what, of in found.items()}
    return {what: of for what, of in kept.items() if of} or None


def _near(names: Names, domains: Sequence[str]) -> list[str]:
    """Those that one of the domains may imitate; none for domains that are of them."""
    if not len(names):
        return []
    found = {target for one in domains if one not in names for target in names.near(one)}
    return sorted(found)[:MOST]


_Found = tuple[str, Rule, Likeness]
_Writes = Mapping[str, Sequence[str]]
_NOTES: Final = {"OURS": ", a domain of ours", "KNOWN": ", to which this reader writes"}


def _finding(found: _Found, whose: str, reader: int | None = None) -> Finding:
    place, rule, one = found
    words = f"{_WHERE[place]} domain {one.words}{_NOTES.get(whose, '')}"
    return rule.found(words, reader=reader)


def _worst(
    named: Named, whose: str, find: Callable[[str], Iterable[Likeness | None]], known: Sequence[str]
) -> list[_Found]:
    """For each place the likeness that is worst, of those that there is a rule for.

    Args:
        find: whom a domain imitates.
        known: domains that the reader writes to, which imitate nobody.
    """
    worst = []
    for place, domains in named.by_place.items():
        ruled = [
            (place, rule, one)
            for domain in domains
            if domain not in known
            for one in find(domain)
            if one is not None and (rule := rule_for(place, one.kind, whose)) is not None
        ]
        if ruled:
            worst.append(min(ruled, key=lambda one: (-one[1].points, one[2].target)))
    return worst


def _of_ours(
    case: Case, named: Named, ours: Mapping[str, Sequence[str]], writes: _Writes
) -> list[Finding]:
    findings = []
    for organization, targets in ours.items():
        find = _imitating(targets)
        readers = [one for one in case.readers if str(one.organization_id) == organization]
        if len(readers) == len(case.recipients) and not writes:
            findings += [_finding(one, "OURS") for one in _worst(named, "OURS", find, ())]
            continue
        for reader in readers:
            known = writes.get(str(reader.user_id), ())
            found = _worst(named, "OURS", find, known)
            findings += [_finding(one, "OURS", reader.user_id) for one in found]
    return findings


def _of_known(
    case: Case, named: Named, known: Mapping[str, Sequence[str]], writes: _Writes
) -> list[Finding]:
    findings = []
    for reader in case.readers:
        number = str(reader.user_id)
        find = _imitating(known.get(number, ()))
        found = _worst(named, "KNOWN", find, writes.get(number, ()))
        findings += [_finding(one, "KNOWN", reader.user_id) for one in found]
    return findings


def _others(given: Mapping[str, Any]) -> dict[str, list[str]]:
    """Whom readers write to, by reader, without colleagues and brands: those have rules of their
    own, and one imitation counts once."""
    ours = {target for targets in given.get("ours", {}).values() for target in targets}
    return {
        reader: [one for one in targets if one not in ours and not brands.is_brand(one)]
        for reader, targets in given.get("known", {}).items()
    }


def _of_brands(case: Case, named: Named, writes: _Writes) -> list[Finding]:
    def find(domain: str) -> Iterable[Likeness | None]:
        return (brands.imitated(domain),)

    if not writes:
        return [_finding(one, "BRAND") for one in _worst(named, "BRAND", find, ())]
    return [
        _finding(one, "BRAND", reader.user_id)
        for reader in case.readers
        for one in _worst(named, "BRAND", find, writes.get(str(reader.user_id), ()))
    ]


def _imitating(targets: Sequence[str]) -> Callable[[str], Iterable[Likeness | None]]:
    return lambda domain: (likeness(domain, target) for target in targets)


def _of_scripts(named: Named) -> list[Finding]:
    found: dict[str, Finding] = {}
    for place, domains in named.by_place.items():
        for domain in domains:
            if "xn--" in domain and (one := _of_script(place, domain)) is not None:
                found.setdefault(one.rule, one)
    return list(found.values())


def _of_script(place: str, domain: str) -> Finding | None:
    where = f"{_WHERE[place]} domain {domain[:LONGEST]}, shown as {seen(domain)[:LONGEST]},"
    *labels, ending = domain.split(".")
    for label in labels:
        if mixes_scripts(unicode_of(label)):
            return mixed_scripts(place).found(f"{where} mixes scripts")
        if not ending.startswith("xn--") and (latin := reads_as_latin(label)):
            return reads_latin(place).found(f"{where} cannot be told from {latin}")
    return None


def _displayed(case: Case) -> list[Finding]:
    """A display name that is a brand's, over an address that is not."""
    if case.is_outgoing:
        return []
    for author in case.letter.authors[:REPLIES]:
        brand = brands.displayed(author.name)
        if brand and author.domain and not brands.is_of(author.domain, brand):
            words = (
                f'the author calls itself "{author.name[:80]}", but the address is of'
                f" {organisational(author.domain)}, not of {brand}"
            )
            return [AUTHOR_NAMES_BRAND.found(words)]
    return []
