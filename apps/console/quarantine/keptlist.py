"""What is kept from its readers as the console lists it, in a few statements however much it is."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet

from apps.console import paging
from apps.console.filters import PeriodFilter, choice
from apps.console.paging import Page
from apps.console.portions import Stand
from apps.directory.permissions import Powers
from apps.mime.headers import printable
from apps.provisioning.administration import keptmail
from apps.provisioning.administration import quarantine as doors
from apps.provisioning.administration.keptmail import Asked
from apps.runtime.keyset import Column, Order, walk
from apps.scan.models import DANGEROUS, Quarantined, QuarantineState, Reason
from apps.scan.reasons import sentence
from apps.wire.numbers import whole_number

COUNTED: Final = 1_000  # messages: beyond them nobody needs to know how many there are
TABS: Final[tuple[tuple[str, str, tuple[Reason, ...]], ...]] = (
    ("spam", "Spam", (Reason.SPAM,)),
    ("phishing", "Phishing", (Reason.PHISHING,)),
    ("virus", "Virus", (Reason.VIRUS, Reason.HARMFUL)),
    ("attachment", "Attachments", (Reason.ATTACHMENT,)),
)
POINTS: Final = (
    ("low", "Below 8 points"),
    ("middle", "8 to 15 points"),
    ("high", "15 points and more"),
)
STATES: Final = (
    ("kept", "Kept"),
    ("released", "Released"),
    ("deleted", "Deleted"),
)
BADGES: Final = {
    Reason.SPAM: ("warn", "Spam"),
    Reason.PHISHING: ("bad", "Phishing"),
    Reason.VIRUS: ("bad", "Virus"),
    Reason.HARMFUL: ("bad", "Harmful"),
    Reason.ATTACHMENT: ("warn", "File type"),
}
_BOUNDS: Final[dict[str, tuple[float | None, float | None]]] = {
    "low": (None, 8.0),
    "middle": (8.0, 15.0),
    "high": (15.0, None),
}
_ORDER: Final = Order(Column("pk", falls=True))
COLUMNS: Final = (
    *("pk", "trace_id", "author", "author_address", "sender", "subject", "original", "address"),
    *("reason", "rule", "words", "points", "kept_at", "state", "settled_at", "is_wanted"),
)


@dataclass(frozen=True, slots=True)
class Wanted(PeriodFilter):
    """What is asked for.

    Args:
        text: words, each of which stands in author, sender, recipient or subject.
        tab: one of TABS, "" for all.
        state: one of STATES.
        domain: of the recipient.
        rule: the beginning of the name of the rule that asked for it.
        points: one of POINTS.
        likely: "yes" for what is probably wanted.
    """

    tab: str = field(default="", metadata=choice([key for key, _, _ in TABS]))
    state: str = field(default="kept", metadata=choice(dict(STATES)) | {"narrows": True})
    domain: str = ""
    rule: str = ""
    points: str = field(default="", metadata=choice(dict(POINTS)))
    likely: str = field(default="", metadata=choice({"yes"}))

    @property
    def narrowing(self) -> list[tuple[str, str]]:
        """As of any filter; what is kept is what the list is about, and narrows nothing."""
        found = super(Wanted, self).narrowing
        return [pair for pair in found if pair != ("state", "kept")]

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked for but a tab."""
        return all(name == "tab" for name, _ in self.narrowing)


@dataclass(frozen=True, slots=True)
class Tab:
    """A way to narrow the list by reason; `count` in words, "" if nobody counts."""

    link: str
    words: str
    count: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A copy in the list.

    Args:
        look, badge: of the reason.
        why: as a sentence.
        until: when it is deleted for good.
    """

    number: int
    author: str
    sender: str
    subject: str
    to: str
    look: str
    badge: str
    rule: str
    why: str
    points: float
    kept_at: datetime
    until: datetime
    days_left: int
    state: str
    settled_at: datetime | None
    is_wanted: bool
    is_dangerous: bool


def kept(powers: Powers, wanted: Wanted) -> Page[KeptLine]:
    """A page of the copies in sight, newest first; none if what is asked for is wrong."""
    if wanted.errors:
        return Page([])
    found = chosen(powers, wanted)
    return paging.page(
        found.values(*COLUMNS),
        _ORDER,
        wanted,
        lambda rows: [_line(row) for row in rows],
        counts=found,
        nouns=("message", "messages"),
    )


def lines(powers: Powers, wanted: Wanted) -> Iterator[KeptLine]:
    """All of them one by one, for a file."""
    if not wanted.errors:
        yield from map(_line, walk(chosen(powers, wanted).values(*COLUMNS), _ORDER))


def chosen(powers: Powers, wanted: Wanted) -> QuerySet[Quarantined]:
    """The copies in sight that fit, without an order."""
    since, until = wanted.period
    least, below = _BOUNDS.get(wanted.points, (None, None))
    asked = Asked(
        text=wanted.text,
        state=wanted.state,
        reasons=_reasons(wanted.tab),
        domain=wanted.domain,
        rule=wanted.rule,
        least=least,
        below=below,
        is_wanted=True if wanted.likely else None,
        since=None if since is None else int(since.timestamp()),
        until=None if until is None else int(until.timestamp()),
    )
    return keptmail.chosen(powers, asked)


def tabs(powers: Powers, wanted: Wanted) -> list[Tab]:
    """All tabs; with counts where nothing else narrows the list, in one statement.

    The newest COUNTED are counted, of whatever tab: where there are more, each may have more.
    """
    sight = doors.in_sight(powers).filter(state=wanted.state).order_by("-pk")
    found = sight.values_list("reason", flat=True)[: COUNTED + 1] if wanted.is_plain else ()
    counts: Counter[str] = Counter(found)
    is_more = counts.total() > COUNTED
    return [
        Tab(
            wanted.link(tab=key),
            words,
            _count(sum(counts[one] for one in reasons or counts), is_more=is_more)
            if wanted.is_plain
            else "",
            key == wanted.tab,
        )
        for key, words, reasons in (("", "All", ()), *TABS)
    ]


def _count(number: int, *, is_more: bool) -> str:
    if is_more and not number:
        return ""  # none among the newest says nothing of the rest
    return f"{min(number, COUNTED):,}{'+' if is_more else ''}"


def _line(row: dict[str, Any]) -> KeptLine:
    """A row as it is shown."""
    look, badge = BADGES[Reason(row["reason"])]
    kept_at = _moment(row["kept_at"])
    until = kept_at + timedelta(days=settings.QUARANTINE_DAYS)
    return KeptLine(
        number=row["pk"],
        author=printable(row["author"] or row["sender"]),
        sender="" if row["sender"] == row["author_address"] else printable(row["sender"]),
        subject=printable(row["subject"]),
        to=printable(row["original"]),
        look=look,
        badge=badge,
        rule=row["rule"],
        why=sentence(row["words"]),
        points=row["points"],
        kept_at=kept_at,
        until=until,
        days_left=max(0, (until - datetime.now(UTC)).days),
        state=row["state"],
        settled_at=_moment(row["settled_at"]) if row["settled_at"] else None,
        is_wanted=row["is_wanted"],
        is_dangerous=row["reason"] in DANGEROUS,
    )


def of_row(row: Quarantined) -> KeptLine:
    """The line of one copy."""
    return _line({name: getattr(row, name) for name in COLUMNS})


def any_kept(powers: Powers, numbers: Sequence[int], most: int) -> list[int]:
    """Those of these numbers that are in sight and still kept, newest first; one more than `most`
    at the most."""
    found = doors.in_sight(powers).filter(pk__in=numbers[: most + 1], state=QuarantineState.KEPT)
    return list(found.order_by("-pk").values_list("pk", flat=True)[: most + 1])


def portion(powers: Powers, wanted: Wanted, stand: Stand, most: int) -> tuple[list[int], bool]:
    """The next copies that fit a filter and are still kept, newest first, `most` at the most; and
    whether there are more. What comes in later is not among them."""
    found = _all_kept(powers, wanted)
    after = whole_number(stand.after)
    if after is not None:
        found = found.filter(pk__lt=after)
    numbers = list(found.order_by("-pk").values_list("pk", flat=True)[: most + 1])
    return numbers[:most], len(numbers) > most


def begin(powers: Powers, wanted: Wanted) -> Stand:
    """All that fit a filter and are kept."""
    return Stand(total=paging.counted(_all_kept(powers, wanted)))


def _all_kept(powers: Powers, wanted: Wanted) -> QuerySet[Quarantined]:
    if wanted.errors:
        return Quarantined.objects.none()
    return chosen(powers, wanted).filter(state=QuarantineState.KEPT)


def _reasons(tab: str) -> tuple[Reason, ...]:
    return next((reasons for key, _, reasons in TABS if key == tab), ())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
