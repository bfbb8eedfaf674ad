"""How a record stands, as people see it: an icon with a word, never a colour alone."""

from dataclasses import dataclass
from typing import Final

from apps.dnscheck.findings import Standing, Summary
from apps.dnscheck.records import Kind


@dataclass(frozen=True, slots=True)
class Look:
    """A standing on the screen.

    Args:
        tone: class of the icon's colour.
        badge: kind of the badge with the word.
    """

    word: str
    icon: str
    tone: str
    badge: str


LOOKS: Final = {
    Standing.RIGHT: Look("Right", "circle-check", "t-ok", "ok"),
    Standing.BETTER: Look("Can be better", "triangle-alert", "t-warn", "warn"),
    Standing.WRONG: Look("Wrong", "circle-x", "t-bad", "bad"),
    Standing.MISSING: Look("Missing", "circle-x", "t-bad", "bad"),
    Standing.WAITING: Look("Waiting", "loader-circle", "t-info", "info"),
    Standing.UNSET: Look("Not set", "circle-dashed", "faint", "neutral"),
    Standing.ELSEWHERE: Look("On purpose", "circle-check", "faint", "neutral"),
    Standing.UNKNOWN: Look("Not known", "circle-help", "faint", "neutral"),
}
LOST: Final = Look("Cannot work", "ban", "t-bad", "bad")
# The columns of the list; of several kinds in one, the worst counts.
COLUMNS: Final[tuple[tuple[str, tuple[Kind, ...]], ...]] = (
    ("MX", (Kind.MX,)),
    ("SPF", (Kind.SPF,)),
    ("DKIM", (Kind.DKIM,)),
    ("DMARC", (Kind.DMARC,)),
    ("TLS policy", (Kind.MTA_STS, Kind.POLICY_HOST)),
)
_WORST_FIRST: Final = (
    Standing.WRONG,
    Standing.MISSING,
    Standing.WAITING,
    Standing.BETTER,
    Standing.UNKNOWN,
    Standing.UNSET,
    Standing.ELSEWHERE,
    Standing.RIGHT,
)


def cells(summary: Summary | None) -> list[tuple[str, Look]]:
    """Each column's head and look; what a domain does not have is not set."""
    return [(head, LOOKS[_worst(summary, kinds)]) for head, kinds in COLUMNS]


def _worst(summary: Summary | None, kinds: tuple[Kind, ...]) -> Standing:
    if summary is None:
        return Standing.UNKNOWN
    found = {summary.standings[kind] for kind in kinds if kind in summary.standings}
    return next((one for one in _WORST_FIRST if one in found), Standing.UNSET)
