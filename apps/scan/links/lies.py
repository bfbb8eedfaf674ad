"""Links whose words show another address than the one they lead to. Pure.

Honest mail has such links, too: whoever counts clicks leads them over a host of his own. So a lie
needs that neither the target which the link carries, nor who is proven to have written, makes it
true; and it is a small one where it may be honest all the same: in a newsletter, and where the
links of a message show several places and all lead to one.

A target that a link carries is only what a stranger's host was handed, not where it leads. So for
names that phishing lives by, brands and the reader's own, it excuses nobody but hosts of whoever is
proven to stand behind the message, and services that are known to lead on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.mailauth.suffixes import organisational
from apps.reception.judging import Judgement
from apps.scan.authors import Author
from apps.scan.base import Case
from apps.scan.links import places
from apps.scan.links.shown import shown
from apps.scan.lookalikes.brands import is_brand
from apps.scan.urls import WEB, Url


@dataclass(frozen=True, slots=True)
class Ground:
    """What links are judged by.

    Args:
        author: the organisational domain of the author, if it is proven; else "".
        is_bulk: it says that it went to many.
        ours: the domains of its readers: whoever shows one of them and leads elsewhere lies.
        counters: organisations that links of several others lead to.
        proven: organisations that are proven to stand behind the message: its author's, and those
            that sent it for him.
    """

    author: str
    is_bulk: bool
    ours: frozenset[str]
    counters: frozenset[str] = frozenset()
    proven: frozenset[str] = frozenset()

    @classmethod
    def of(cls, case: Case, author: Author, links: Iterable[tuple[str, Url]] = ()) -> "Ground":
        """That of a message.

        Args:
            links: their words, and where they lead.
        """
        letter = case.letter
        found = Judgement.from_data(case.judgement).case.authentication
        return cls(
            author.organisation if author.proof else "",
            bool(found.proven) and (letter.has("list-unsubscribe") or letter.has("list-id")),
            frozenset(reader.domain for reader in case.readers),
            _counters(links),
            frozenset(map(organisational, found.proven)),
        )

    def is_dear(self, url: Url) -> bool:
        """Whether it is a name that phishing lives by: a brand's, or one of the readers' own."""
        return is_brand(url.organisation) or any(
            url.host == one or url.host.endswith(f".{one}") for one in self.ours
        )

    def may_lead_on(self, url: Url) -> bool:
        """Whether a host is believed to lead to the target that its link carries."""
        return url.organisation in self.proven or places.is_redirector(url)

    def is_authors(self, url: Url) -> bool:
        """Whether a host is of the author, who is proven."""
        return bool(self.author) and f".{url.host}".endswith(f".{self.author}")


@dataclass(frozen=True, slots=True)
class Lie:
    """The host that is shown, and whether it can hardly be honest."""

    shown: str
    is_bad: bool


def find(text: str, url: Url, targets: Sequence[Url], ground: Ground) -> Lie | None:
    """The lie of a link, if it is one.

    Args:
        text: its words.
        targets: where it leads on to.
    """
    seen = shown(text)
    if seen is None or (url.scheme not in WEB and url.scheme != "file"):
        return None
    organisation = seen.url.organisation
    if organisation == url.organisation or places.is_gateway(url.host):
        return None
    if organisation == ground.author:
        return None  # whoever is proven to be the one that is shown leads where he likes
    is_dear = ground.is_dear(seen.url)
    if any(organisation == one.organisation for one in targets):
        if not is_dear or ground.may_lead_on(url):
            return None
        return Lie(seen.url.host, not ground.is_bulk)
    may_be_honest = seen.is_name or ground.is_bulk or url.organisation in ground.counters
    return Lie(seen.url.host, is_dear or not may_be_honest)


def _counters(links: Iterable[tuple[str, Url]]) -> frozenset[str]:
    shown_at: dict[str, set[str]] = {}
    for text, url in links:
        seen = shown(text) if url.scheme in WEB else None
        if seen and not seen.is_name and seen.url.organisation != url.organisation:
            shown_at.setdefault(url.organisation, set()).add(seen.url.organisation)
    return frozenset(one for one, places_shown in shown_at.items() if len(places_shown) > 1)
