"""Checks everything that is kept, and mends what can be mended: mail at rest, what the queue has
reserved of it, the search index.

Every finding is told as soon as it is certain, with what was done about it; a mend that fails is
told too, and the look goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from django.db import DatabaseError
from django.db.models import QuerySet

from apps.audit.services import record
from apps.delivery import fsck as queue
from apps.directory import subjects
from apps.mailqueue.models import QueuedRecipient, RecipientState
from apps.mailstore.fsck import checking
from apps.mailstore.fsck.database import any_text
from apps.mailstore.fsck.finding import NAMED_AT_MOST, Finding, Scope
from apps.runtime.db import translate_errors
from apps.scan.models import Quarantined
from apps.search import fsck as search
from apps.wire.errors import MailError

_WAITS: Final = (RecipientState.PENDING, RecipientState.WAITING, RecipientState.HELD)


class Outcome(StrEnum):
    """What became of a finding."""

    TOLD = "told"  # nothing was done: nobody asked for it, or nothing can be
    MENDED = "mended"
    GONE = "gone"  # when it was to be mended it was well already
    FAILED = "failed"  # it could not be mended


@dataclass(frozen=True, slots=True)
class Told:
    """A finding, and what was done about it; `words` say that in a sentence."""

    finding: Finding
    outcome: Outcome = Outcome.TOLD
    words: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether somebody's mail suffers from it still."""
        return self.is_left and not self.finding.is_harmless

    @property
    def is_left(self) -> bool:
        """Whether it is still so."""
        return self.outcome not in {Outcome.MENDED, Outcome.GONE}

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.finding.kind,
            "where": self.finding.where,
            "detail": self.finding.detail,
            "messages": list(self.finding.messages),
            "harmless": self.finding.is_harmless,
            "can_be_mended": self.finding.mend is not None,
            "outcome": self.outcome.value,
            "words": self.words,
        }


def run(scope: Scope, *, repair: bool, every_text: bool = False) -> Iterator[Told]:
    """All findings.

    Args:
        repair: mend what can be mended.
        every_text: compare all that the search index has, not some of it.

    Raises:
        StorageUnavailable: the database or the object store does not answer.
    """
    with translate_errors(), any_text():
        if repair:
            record("fsck.repair", **_about(scope))
        for found in map(_with_others, _all(scope, every_text)):
            yield _mended(found) if repair and found.mend is not None else Told(found)


def _about(scope: Scope) -> subjects.Subject:
    if scope.user_id is None:
        return subjects.of_service("everything")
    return subjects.of_user_id(scope.user_id)


def _all(scope: Scope, every_text: bool) -> Iterator[Finding]:
    yield from checking.check(scope)
    yield from queue.check(scope)
    yield from search.check(scope, every=every_text)


def _with_others(found: Finding) -> Finding:
    """Who else than readers of mailboxes is hurt: mail that waits, or is held."""
    if found.blob_id is None or found.is_harmless:
        return found
    queued = QueuedRecipient.objects.filter(message__blob_id=found.blob_id, state__in=_WAITS)
    held = Quarantined.objects.filter(blob_id=found.blob_id)
    others = [f"queue {address}" for address in _addresses(queued)]
    others += [f"quarantine {address}" for address in _addresses(held)]
    return replace(found, messages=(*found.messages, *others))


def _addresses(rows: QuerySet[Any]) -> list[str]:
    found = rows.order_by("address").values_list("address", flat=True).distinct()
    return list(found[:NAMED_AT_MOST])


def _mended(found: Finding) -> Told:
    assert found.mend is not None
    try:
        words = found.mend()
    except (MailError, DatabaseError) as error:
        return Told(found, Outcome.FAILED, f"cannot be mended: {error}")
    return Told(found, Outcome.MENDED, words) if words else Told(found, Outcome.GONE, "well now")
