"""Which mail in quarantine somebody looks for: what its lists show, whoever shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from apps.directory.permissions import Powers
from apps.directory.written import stored_domain
from apps.provisioning.administration import quarantine as doors
from apps.runtime.prefixes import beginning
from apps.scan.models import Quarantined, QuarantineState, Reason

WORDS_MOST: Final = 5  # words of a search that count


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; "" and None, and no reasons, ask for anything.

    Args:
        text: words, each of which stands in author, sender, recipient or subject.
        domain: of the recipient, as people write it.
        rule: the beginning of the name of the rule that asked for it.
        least, below: points of the filter.
        since, until: when it was kept: the first moment, and the first one after; Unix seconds.
    """

    text: str = ""
    state: str = QuarantineState.KEPT
    reasons: Sequence[Reason] = ()
    domain: str = ""
    rule: str = ""
    least: float | None = None
    below: float | None = None
    is_wanted: bool | None = None
    since: int | None = None
    until: int | None = None


def chosen(powers: Powers, asked: Asked) -> QuerySet[Quarantined]:
    """The copies in sight that fit, without an order."""
    found = doors.in_sight(powers).filter(state=asked.state)
    if asked.reasons:
        found = found.filter(reason__in=asked.reasons)
    if asked.domain:
        found = found.filter(domain=stored_domain(asked.domain))
    if asked.rule:
        found = found.filter(beginning("rule", asked.rule.upper()))
    if asked.least is not None:
        found = found.filter(points__gte=asked.least)
    if asked.below is not None:
        found = found.filter(points__lt=asked.below)
    if asked.is_wanted is not None:
        found = found.filter(is_wanted=asked.is_wanted)
    for word in asked.text.split()[:WORDS_MOST]:
        found = found.filter(_has(word))
    if asked.since is not None:
        found = found.filter(kept_at__gte=asked.since)
    if asked.until is not None:
        found = found.filter(kept_at__lt=asked.until)
    return found


def _has(word: str) -> Q:
    return (
        Q(subject__icontains=word)
        | Q(author__icontains=word)
        | Q(original__icontains=word)
        | Q(sender__icontains=word)
    )
