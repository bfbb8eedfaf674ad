"""Counts of mail in other domains' names, day by day, and what became of the reports on them.

Whoever forges mail chooses domains and addresses: what a day, a domain and all domains under one
registered name may take is bounded. Messages beyond it are counted as left out, and the report
says so.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db import transaction

from apps.reports.models import DmarcDay
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows, Values, among, fetch, listed

KEEP_DAYS: Final = 15
"""Days for which counts and the fate of a report are kept."""
MOST_OF_A_DOMAIN: Final = 2_000
"""Rows of one domain and day: about 1 MB of XML."""
MOST_OF_A_DAY: Final = 200_000
MOST_DOMAINS: Final = 20_000
MOST_OF_A_FAMILY: Final = 50
"""Domains under one registered name that get reports for a day: a wildcard record makes as many
names as somebody likes."""
RECORD_LENGTH: Final = 2_000

_Place = tuple[int, str]  # day, domain

_ADD_DAY: Final = ManyRows(
    "INSERT INTO reports_dmarcday (day, domain, family, record, kinds, left_out, sent_at, outcome)",
    "int text text text int bigint bigint text",
    "ON CONFLICT (day, domain) DO UPDATE SET record = excluded.record,"
    " kinds = reports_dmarcday.kinds + excluded.kinds,"
    " left_out = reports_dmarcday.left_out + excluded.left_out",
)
_ADD: Final = ManyRows(
    "INSERT INTO reports_dmarccount (day, domain, key, address, disposition, dkim, spf, override,"
    " comment, header_from, envelope_from, results, messages)",
    "int text text text text boolean boolean text text text text text bigint",
    "ON CONFLICT (day, domain, key) DO UPDATE SET"
    " messages = reports_dmarccount.messages + excluded.messages",
)
_PLACES: Final = Values("v", "day int, name text")
_KEYS: Final = Values("v", "day int, name text, key text")
_KNOWN: Final = """
SELECT c.day, c.domain, c.key FROM {}
JOIN reports_dmarccount AS c ON c.day = v.day AND c.domain = v.name AND c.key = v.key"""
_KINDS: Final = """
SELECT d.day, d.domain, d.kinds FROM {}
JOIN reports_dmarcday AS d ON d.day = v.day AND d.domain = v.name"""
_TOTALS: Final = """
SELECT day, SUM(kinds), COUNT(*) FROM reports_dmarcday WHERE {} GROUP BY day"""
_FAMILIES: Final = """
SELECT v.day, v.name, COUNT(*) FROM {}
JOIN reports_dmarcday AS d ON d.day = v.day AND d.family = v.name GROUP BY v.day, v.name"""


@dataclass(frozen=True)
class Kind:
    """What a report tells of a message, and the day and domain that it goes to;
    `models.DmarcCount` and `models.DmarcDay` tell of the fields."""

    day: int
    domain: str
    family: str
    address: str
    disposition: str
    dkim: bool
    spf: bool
    override: str
    comment: str
    header_from: str
    envelope_from: str
    results: str

    @property
    def place(self) -> _Place:
        return self.day, self.domain

    @cached_property
    def key(self) -> str:
        """The digest that tells it from others of its day and domain."""
        told = json.dumps(self._told)
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()

    def row(self, messages: int) -> tuple[Any, ...]:
        """The columns of `_ADD`."""
        return (*self.place, self.key, *self._told, messages)

    @property
    def _told(self) -> tuple[Any, ...]:
        return (
            self.address,
            self.disposition,
            self.dkim,
            self.spf,
            self.override,
            self.comment,
            self.header_from,
            self.envelope_from,
            self.results,
        )


def add_counts(batch: Sequence[tuple[Kind, int]], records: Mapping[_Place, str]) -> None:
    """Add messages of each kind.

    Rows are written in the same order by everybody, so that two processes that add at once never
    wait for each other in a circle. Both may find room for the same last row: the bounds are kept
    but for that.

    Args:
        batch: kinds with the number of messages, no kind twice.
        records: the DMARC record of each (day, domain) in it.
    """
    with transaction.atomic():
        room = _Room(batch)
        kept = [(kind, messages) for kind, messages in batch if room.takes(kind, messages)]
        _ADD_DAY.write(
            [
                (*place, room.families[place], records[place][:RECORD_LENGTH], new, left, 0, "")
                for place, (new, left) in sorted(room.changes.items())
            ]
        )
        _ADD.write(sorted(kind.row(messages) for kind, messages in kept))


class _Room:
    """What there is already of the days and domains of a batch, and what fits yet. Four queries.

    Args of the instance:
        changes: of each day and domain that has a row or gets one: new kinds, messages left out.
    """

    def __init__(self, batch: Sequence[tuple[Kind, int]]) -> None:
        self.families = {kind.place: kind.family for kind, _ in batch}
        self.changes: dict[_Place, list[int]] = {}
        places, days = sorted(self.families), sorted({kind.day for kind, _ in batch})
        keys = [(*kind.place, kind.key) for kind, _ in batch]
        self._known = set(fetch(_KNOWN.format(_KEYS.sql), _KEYS.parameters(keys)))
        found = fetch(_KINDS.format(_PLACES.sql), _PLACES.parameters(places))
        self._kinds: dict[_Place, int] = {(day, name): kinds for day, name, kinds in found}
        totals = fetch(_TOTALS.format(among("day")), [listed(days)])
        self._total = defaultdict(int, {day: int(kinds) for day, kinds, _ in totals})
        self._domains = defaultdict(int, {day: domains for day, _, domains in totals})
        families = sorted({(place[0], family) for place, family in self.families.items()})
        sizes = fetch(_FAMILIES.format(_PLACES.sql), _PLACES.parameters(families))
        self._sizes = defaultdict(int, {(day, name): number for day, name, number in sizes})

    def takes(self, kind: Kind, messages: int) -> bool:
        """Whether it is counted; else it is noted as left out, where its domain has a row."""
        if kind.place not in self._kinds and not self._opens(kind):
            return False
        new, left = self.changes.setdefault(kind.place, [0, 0])
        if (*kind.place, kind.key) in self._known:
            return True
        is_full = (
            self._kinds[kind.place] >= MOST_OF_A_DOMAIN or self._total[kind.day] >= MOST_OF_A_DAY
        )
        if is_full:
            self.changes[kind.place] = [new, left + messages]
            return False
        self.changes[kind.place] = [new + 1, left]
        self._kinds[kind.place] += 1
        self._total[kind.day] += 1
        return True

    def _opens(self, kind: Kind) -> bool:
        """Whether a domain that was not met that day gets a row."""
        family = kind.day, kind.family
        if self._domains[kind.day] >= MOST_DOMAINS or self._sizes[family] >= MOST_OF_A_FAMILY:
            return False
        self._domains[kind.day] += 1
        self._sizes[family] += 1
        self._kinds[kind.place] = 0
        return True


def note_report(*, day: int, domain: str, outcome: str, is_done: bool) -> None:
    """Remember what became of a domain's report, in words; one that is not done is tried again."""
    told = {"sent_at": now() if is_done else 0, "outcome": outcome[:500]}
    DmarcDay.objects.filter(day=day, domain=domain).update(**told)
