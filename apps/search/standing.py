"""How the search index stands, for administrators."""

from dataclasses import dataclass

from django.conf import settings

from apps.mailstore.services import unindexed
from apps.mime.searchtext import VERSION
from apps.runtime.db import is_sqlite
from apps.search import services
from apps.search.backends import index


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the index at one moment.

    Args:
        messages: pairs of owner and message that it has.
        behind: pairs that wait; None while all mail has yet to be noted.
        is_usable: whether searches are answered from it; else they read the mail.
        advice: what keeps it from being as fast as it could be, "" if nothing does.
    """

    is_on: bool
    is_usable: bool
    messages: int
    behind: int | None
    octets: int
    advice: str

    def __str__(self) -> str:
        if not self.is_on:
            return "search index: switched off (SEARCH_INDEX), searches read the mail"
        size = f"{self.messages:,} messages, {self.octets / 1_000_000:,.1f} MB"
        if self.is_usable:
            return f"search index: {size}, {self.behind or 0:,} messages behind"
        return f"search index: {size}, being made anew: searches read the mail"


def standing() -> Standing:
    """Return how the index stands. Raises StorageUnavailable."""
    state, backend = services.state(), index()
    is_usable = state is not None and state.version == VERSION and state.below is None
    if state is not None and is_usable:
        is_usable = state.fits(backend.stamp())
    return Standing(
        is_on=settings.SEARCH_INDEX,
        is_usable=is_usable,
        messages=backend.count(),
        behind=unindexed.backlog() if is_usable else None,
        octets=backend.size(),
        advice="" if is_sqlite() else _advice(),
    )


def _advice() -> str:
    from apps.search.backends import postgres

    if postgres.has_trigrams():
        return ""
    return (
        "Postgres has no index of trigrams, so a search reads all of its user's rows: have a"
        " superuser run CREATE EXTENSION pg_trgm; in this database, then `manage.py reindex`."
    )
