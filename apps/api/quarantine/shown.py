"""Kept mail, as it is shown. What strangers wrote is cleaned of what drives a terminal."""

from typing import Any, Final

from django.conf import settings

from apps.api.moments import of_seconds
from apps.api.quarantine.forms import KeptLookShown, KeptShown, KeptWholeShown
from apps.mime.headers import printable
from apps.provisioning.administration.keptmessage import Story
from apps.runtime.ulid import ulid_text
from apps.scan.models import DANGEROUS, Quarantined
from apps.scan.preview import Preview
from apps.scan.reasons import sentence

TAG: Final = "Quarantine"
_DAY: Final = 86_400  # seconds
EXAMPLE: Final = {
    "id": 41,
    "trace": "01KB5SC2N0QJ5E8W3V9T7R4M6A",
    "author": "Win <win@lottery.example>",
    "sender": "win@lottery.example",
    "recipient": "ann@example.org",
    "subject": "Prize",
    "reason": "spam",
    "rule": "BAYES_SPAM",
    "why": "Its words are those of spam",
    "points": 16.5,
    "is_wanted": False,
    "is_dangerous": False,
    "state": "kept",
    "size": 4_120,
    "kept_at": "2026-11-28T10:00:00Z",
    "kept_until": "2026-12-28T10:00:00Z",
    "settled_at": None,
}
WHOLE: Final = {
    **EXAMPLE,
    "sent_on": "",
    "has_reader": True,
    "digests": "daily",
    "hints": ["DMARC passes: the domain in From stands behind it."],
    "proofs": [{"method": "SPF", "result": "pass", "named": "lottery.example"}],
    "reasons": [
        {
            "rule": "BAYES_SPAM",
            "words": "Its words are those of spam",
            "points": 16.5,
            "demands": False,
        }
    ],
    "junk_from": 5.0,
    "refuse_from": 15.0,
}
LOOK: Final = {
    "text": "You won.",
    "hidden": "",
    "is_html": False,
    "header": "From: Win <win@lottery.example>\nSubject: Prize",
    "links": [{"words": "Click", "href": "https://lottery.example/", "lies": False}],
    "files": [{"name": "prize.zip", "type": "application/zip", "size": 1_024}],
    "is_cut": False,
    "damage": [],
}


def _line(row: Quarantined) -> dict[str, Any]:
    return {
        "id": row.pk,
        "trace": ulid_text(row.trace_id),
        "author": printable(row.author),
        "sender": printable(row.sender),
        "recipient": printable(row.original),
        "subject": printable(row.subject),
        "reason": row.reason,
        "rule": row.rule,
        "why": sentence(row.words),
        "points": row.points,
        "is_wanted": row.is_wanted,
        "is_dangerous": row.reason in DANGEROUS,
        "state": row.state,
        "size": row.size,
        "kept_at": of_seconds(row.kept_at),
        "kept_until": of_seconds(row.kept_at + settings.QUARANTINE_DAYS * _DAY),
        "settled_at": of_seconds(row.settled_at),
    }


def line(row: Quarantined) -> dict[str, Any]:
    """A copy of a list."""
    return dict(KeptShown(_line(row)).data)


def whole(story: Story) -> dict[str, Any]:
    """One copy."""
    score = story.score
    values = {
        **_line(story.row),
        "is_wanted": story.is_wanted,
        "sent_on": printable(story.sent_on),
        "has_reader": story.reader is not None,
        "digests": story.every,
        "hints": [one.words for one in story.hints],
        "proofs": list(story.proofs),
        "reasons": list(story.reasons),
        "junk_from": score.junk if score else None,
        "refuse_from": score.refuse if score else None,
    }
    return dict(KeptWholeShown(values).data)


def look(seen: Preview) -> dict[str, Any]:
    """What stands in it."""
    return dict(KeptLookShown(seen).data)
