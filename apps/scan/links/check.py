"""What is wrong with where links lead, as far as the message itself tells. Pure: nothing is asked.

Only what a reader can follow is looked at: a link that nobody sees, or an image, lures nobody.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, Final
from urllib.parse import unquote

from apps.scan.authors import author_of
from apps.scan.base import Case, Finding, Given
from apps.scan.letter import Link
from apps.scan.links import lies, places, rules
from apps.scan.links.redirects import targets
from apps.scan.rulebook import Rule
from apps.scan.urls import WEB, Url, read

MOST: Final = 500  # links of a message that are looked at
LONGEST_WORDS: Final = 100  # characters of a host in words

_FOLLOWED: Final = frozenset({"a", "area", "form", "refresh", "text"})
_WORDED: Final = frozenset({"a", "area"})
_CODE: Final = frozenset({"data", "javascript", "vbscript", "blob", "view-source"})
_SHARES: Final = frozenset({"file", "smb", "search-ms", "search", "ms-msdt", "ms-appinstaller"})
_DECOYS: Final = frozenset({"com", "net", "org", "gov", "edu"})
_USUAL_PORTS: Final = frozenset({None, 80, 443, 8080, 8443})


@dataclass(frozen=True)
class Followed:
    """A link that a reader can follow, read."""

    link: Link
    url: Url

    @cached_property
    def targets(self) -> list[Url]:
        """Where it leads on to, as far as it says."""
        return targets(self.url) if self.url.scheme in WEB else []

    @property
    def host(self) -> str:
        """For words."""
        return self.url.host[:LONGEST_WORDS]


def followed(case: Case) -> list[Followed]:
    """The links that a reader can follow, at most `MOST`, each place once."""
    found: dict[tuple[str, str], Followed] = {}
    for link in case.letter.links:
        if link.is_hidden or link.place not in _FOLLOWED or (link.href, link.text) in found:
            continue
        url = read(link.href)
        if url is not None:
            found[link.href, link.text] = Followed(link, url)
            if len(found) >= MOST:
                break
    return list(found.values())


class Links:
    """The check."""

    name: ClassVar[str] = "links"

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        return [None] * len(cases)

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        links = followed(case)
        if not links:
            return []
        tally = Tally()
        worded = [(one.link.text, one.url) for one in links if one.link.place in _WORDED]
        ground = lies.Ground.of(case, author_of(case), worded)
        for one in links:
            for url in (one.url, *one.targets):
                tally.add(_of_url(url))
                if not ground.is_authors(url):
                    tally.add(_of_place(url))
            tally.add(_of_link(one, ground))
        return [*tally.findings(), *_naming_readers(case, links)]


class Tally:
    """What was found, each rule once: with its first example, and how many more there are."""

    def __init__(self) -> None:
        self._found: dict[Rule, dict[str, None]] = {}

    def add(self, seen: Iterable[tuple[Rule, str]]) -> None:
        """Count what was seen; the same words count once."""
        for rule, words in seen:
            self._found.setdefault(rule, {})[words] = None

    def findings(self) -> list[Finding]:
        """One for each rule."""
        if rules.TEXT_LIES in self._found:  # the lesser of two of a kind adds nothing
            self._found.pop(rules.TEXT_DIFFERS, None)
        return [
            rule.found(next(iter(seen)) + (f", and {len(seen) - 1} more" if len(seen) > 1 else ""))
            for rule, seen in self._found.items()
        ]


def _of_url(url: Url) -> Iterator[tuple[Rule, str]]:
    """What an address alone says."""
    host = url.host[:LONGEST_WORDS]
    if url.scheme in _CODE:
        yield rules.CODE, f"a link holds a page or a program itself ({url.scheme}:)"
    if url.scheme in _SHARES:
        yield rules.TO_SHARE, f"a link leads to {url.scheme}:{f' on {host}' if host else ''}"
    if url.scheme not in WEB:
        return
    if url.is_odd:
        yield rules.ODD_ADDRESS, f"a link leads to {host}, written so that it is hidden"
    elif url.address is not None and url.address.is_global:
        yield rules.TO_ADDRESS, f"a link leads to the address {host}"
    if url.user:
        user = url.user.partition(":")[0][:LONGEST_WORDS]  # without a password
        yield rules.WITH_USER, f'a link to {host} begins with "{user}", as if it led there'
    if url.port not in _USUAL_PORTS and not (url.address and url.address.is_private):
        yield rules.ODD_PORT, f"a link leads to port {url.port} of {host}"
    if _is_decoy(url):
        yield rules.DECOY, f"the host {host} is of {url.organisation[:LONGEST_WORDS]}"


def _of_place(url: Url) -> Iterator[tuple[Rule, str]]:
    """What the tables know of a host."""
    if url.scheme not in WEB:
        return
    host = url.host[:LONGEST_WORDS]
    if places.is_shortener(url.host):
        yield rules.SHORTENED, f"a link is of the shortener {host}"
    if places.is_free_host(url):
        yield rules.FREE_HOST, f"a link leads to {host}, where anybody has a page at once"
    if places.is_program(url):
        name = url.path.rpartition("/")[2][:LONGEST_WORDS]
        yield rules.TO_PROGRAM, f"a link leads to {name} on {host}"


def _of_link(one: Followed, ground: lies.Ground) -> Iterator[tuple[Rule, str]]:
    """What an address says together with its place."""
    if one.link.place == "form" and one.url.scheme in WEB:
        yield rules.FORM, f"a form in the message is sent to {one.host}"
    if one.targets and places.is_redirector(one.url):
        goal = one.targets[0].host[:LONGEST_WORDS]
        if one.targets[0].organisation != one.url.organisation:
            yield rules.REDIRECTED, f"a link leads by way of {one.host} to {goal}"
    if one.link.place in _WORDED:
        lie = lies.find(one.link.text, one.url, one.targets, ground)
        if lie is not None:
            rule = rules.TEXT_LIES if lie.is_bad else rules.TEXT_DIFFERS
            shown = lie.shown[:LONGEST_WORDS]
            yield rule, f"a link shows {shown} and leads to {one.host or one.url.scheme}"


def _is_decoy(url: Url) -> bool:
    """`www.bank.com.evil.example`, `bank.com-login.example`."""
    if url.address is not None:
        return False
    inner = url.host.removesuffix(url.organisation).rstrip(".").split(".")
    if any(len(name) > 2 and ending in _DECOYS for name, ending in pairwise(inner)):
        return True
    is_name = len(inner[-1]) > 2 and inner[-1] != "www"
    return is_name and url.organisation.partition("-")[0] in _DECOYS


def _naming_readers(case: Case, links: Sequence[Followed]) -> list[Finding]:
    """Pages that pretend to be the reader's own know from what follows "#" whose."""
    carried = {text for one in links[:100] if one.url.fragment for text in _told(one.url.fragment)}
    if not carried:
        return []
    return [
        rules.NAMES_READER.found(
            f"a link carries the address {reader.written} to where it leads", reader=reader.user_id
        )
        for reader in case.readers
        if any(name.casefold() in carried for name in (reader.written, reader.address))
    ]


def _told(fragment: str) -> set[str]:
    """What a fragment may hold: as it is, decoded, behind a sign, in base64."""
    plain = unquote(fragment[:500], errors="replace").casefold()
    found = {plain, *re.split(r"[=/&!?;,]", plain)}
    for piece in re.split(r"[/&!?;,]|=(?!=*$)", fragment[:500]):
        try:
            code = piece.rstrip("=")
            code += "=" * (-len(code) % 4)
            found.add(base64.b64decode(code, validate=True).decode().strip().casefold())
        except (binascii.Error, ValueError):
            continue
    return found
