"""What URL_BLOCK_LISTS say of the domains in links, and of the author's.

A whole batch is asked at once, within one deadline; what is not known by then speaks against
nobody. Answers stay in the resolver's cache, so a wave of spam costs a few questions. Lists are
asked for what somebody registered (`evil.example`, not the host that is new in each message), never
for domains of the readers, of brands, or for what is no domain.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from weakref import WeakKeyDictionary

from django.conf import settings

from apps.mailauth.suffixes import is_public, organisational
from apps.reception.dnslists import DnsLists
from apps.reception.listform import parse, shown
from apps.resolver.live import live_resolver
from apps.runtime import aside
from apps.scan.base import Case, Finding, Given
from apps.scan.links import rules
from apps.scan.links.check import followed
from apps.scan.lookalikes.brands import is_brand
from apps.scan.rulebook import Rule
from apps.scan.urls import WEB

logger = logging.getLogger(__name__)

SECONDS: Final = 4.0  # for a whole batch
LIST_SECONDS: Final = 3.0  # for one list to answer one question: less, or one holds up all others
MOST: Final = 20  # domains of a message
MOST_OF_BATCH: Final = 500


class UrlLists:
    """The check. What it gathers: (domain, zone, weight) of what is listed, of links and people."""

    name: ClassVar[str] = "url-lists"

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        if not settings.URL_BLOCK_LISTS:
            return [None] * len(cases)
        named = [(_of_links(case), _of_people(case)) for case in cases]
        wanted = dict.fromkeys(name for pair in named for names in pair for name in names)
        listed = _ask(list(wanted)[:MOST_OF_BATCH])
        return [_given(links, people, listed) for links, people in named]

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        given = given or {}
        return [
            *_found(rules.LISTED, "in a link", given.get("links", ())),
            *_found(
                rules.AUTHOR_LISTED, "of who writes or gets the answer", given.get("people", ())
            ),
        ]


def _of_links(case: Case) -> list[str]:
    """Domains in links and what they lead on to; the first ones, for spam puts its link on top."""
    found: dict[str, None] = {}
    for one in followed(case):
        for url in (one.url, *one.targets):
            if url.scheme in WEB and url.address is None and _is_asked(case, url.organisation):
                found[url.organisation] = None
        if len(found) >= MOST:
            break
    return list(found)[:MOST]


def _of_people(case: Case) -> list[str]:
    if case.is_outgoing:
        return []
    letter = case.letter
    people = (*letter.authors[:2], *letter.reply_to[:2])
    domains = dict.fromkeys(organisational(one.domain) for one in people if one.domain)
    return [one for one in domains if _is_asked(case, one)]


def _is_asked(case: Case, domain: str) -> bool:
    if "." not in domain or domain.startswith("[") or is_public(domain) or is_brand(domain):
        return False
    return not any(organisational(reader.domain) == domain for reader in case.readers)


_Listed = Mapping[str, Mapping[str, int]]


def _given(links: Sequence[str], people: Sequence[str], listed: _Listed) -> Given:
    found = {
        what: [
            [name, shown(zone), weight]
            for name in names
            for zone, weight in listed.get(name, {}).items()
        ]
        for what, names in (("links", links), ("people", people))
    }
    return {what: rows for what, rows in found.items() if rows} or None


def _found(rule: Rule, where: str, rows: Sequence[Sequence[object]]) -> list[Finding]:
    """One finding: each list counts once, whatever of it is named."""
    weights: dict[str, int] = {}
    for _, zone, weight in rows:
        weights[str(zone)] = max(weights.get(str(zone), 0), int(str(weight)))
    if not weights:
        return []
    names = ", ".join(dict.fromkeys(str(name) for name, _, _ in rows))
    words = f"a domain {where} is listed: {names[:200]} by {', '.join(weights)}"
    return [rule.found(words, points=min(float(sum(weights.values())), rule.most or 0.0))]


@dataclass(frozen=True, slots=True)
class _Settings:
    """What the lists of a loop were made by."""

    lists: tuple[str, ...]
    servers: tuple[object, ...]


_made: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[_Settings, DnsLists]] = (
    WeakKeyDictionary()
)


def _ask(names: Collection[str]) -> _Listed:
    """The weights of the lists that name a domain, for those that any names."""
    if not names:
        return {}
    try:
        return aside.run(_ask_all(names), SECONDS + 1)
    except TimeoutError:
        logger.warning("the lists of domains were not asked in time", extra={"names": len(names)})
        return {}


async def _ask_all(names: Collection[str]) -> _Listed:
    lists = _of_this_loop()
    asked = {asyncio.ensure_future(lists.ask_name(name)): name for name in names}
    await asyncio.wait(asked, timeout=SECONDS)
    listed = {}
    for task, name in asked.items():
        if not task.done():
            task.cancel()
        elif weights := task.result().weights:
            listed[name] = dict(weights)
    return listed


def _of_this_loop() -> DnsLists:
    """The lists by the settings, with a resolver whose cache lives as long as the loop."""
    loop = asyncio.get_running_loop()
    by = _Settings(settings.URL_BLOCK_LISTS, settings.DNS_SERVERS)
    known = _made.get(loop)
    if known is None or known[0] != by:
        lists = DnsLists(live_resolver(), map(parse, by.lists), seconds=LIST_SECONDS)
        known = _made[loop] = by, lists
    return known[1]
