"""One kept message as somebody who may deal with it is told of it: why it is here, and what speaks
for it."""

from dataclasses import dataclass
from typing import Final

from apps.directory.models import User
from apps.directory.permissions import Powers
from apps.provisioning.administration import quarantine as doors
from apps.scan import queries, reasons, shelf, wanted
from apps.scan.models import Quarantined, QuarantineState, Reason
from apps.scan.preview import LOOKED_AT, Preview, preview
from apps.scan.reasons import Proof
from apps.scan.record import BrokenRecordError
from apps.scan.services import digests
from apps.scan.verdict import Standing, Verdict
from apps.scan.wanted import Hint

RELEASED_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Score:
    """Points against the reader's limits."""

    points: float
    junk: float
    refuse: float


@dataclass(frozen=True, slots=True)
class Story:
    """All that is told without looking into it.

    Args:
        sent_on: the address to which it was to be sent on; "" for a mailbox here.
        reader: whose it is; None for nobody of ours.
        score: None if nothing is kept of what the filter counted.
        every: how often its reader gets digests; "" without a reader.
    """

    row: Quarantined
    sent_on: str
    reader: User | None
    hints: tuple[Hint, ...]
    is_wanted: bool
    proofs: tuple[Proof, ...]
    reasons: tuple[reasons.Counted, ...]
    score: Score | None
    every: str

    @property
    def is_kept(self) -> bool:
        """Whether there is anything left to do."""
        return self.row.state == QuarantineState.KEPT


def told(powers: Powers, number: int) -> Story:
    """One copy in sight; a few statements. Raises NotFound."""
    row = doors.find(powers, number)
    verdict = _verdict(row)
    standing = verdict.standing(row.user_id) if verdict else Standing()
    findings = verdict.findings_of(row.user_id) if verdict else []
    prefix = bytes(row.prefix)
    hints = wanted.hints(
        wanted.Kept(Reason(row.reason), findings, prefix, row.points, standing.junk, _released(row))
    )
    reader = User.objects.filter(pk=row.user_id).first() if row.user_id is not None else None
    return Story(
        row=row,
        sent_on=row.address if row.is_elsewhere else "",
        reader=reader,
        hints=hints,
        is_wanted=wanted.is_wanted(hints),
        proofs=reasons.proofs(prefix),
        reasons=reasons.reasons(findings),
        score=_score(row, standing) if verdict else None,
        every="" if reader is None else digests.every_of(reader.pk).label.lower(),
    )


def looked_into(row: Quarantined) -> Preview:
    """Its text, its header, and what comes with it.

    Raises:
        NotFound, Damaged, StorageUnavailable
    """
    raw = shelf.beginning(row, LOOKED_AT)
    return preview(raw, is_whole=len(raw) >= row.size)


def _verdict(row: Quarantined) -> Verdict | None:
    judged = queries.of_id(row.queue_id)
    try:
        return judged.record.verdict if judged is not None else None
    except BrokenRecordError:
        return None


def _released(row: Quarantined) -> int:
    """How much of the same author was released for the same domain before."""
    if not row.author_address:
        return 0
    found = Quarantined.objects.filter(
        author_address=row.author_address, state=QuarantineState.RELEASED, domain=row.domain
    )
    return found.order_by()[:RELEASED_MOST].count()


def _score(row: Quarantined, standing: Standing) -> Score | None:
    if standing.is_off or standing.junk is None:
        return None
    refuse = standing.refuse if standing.refuse is not None else standing.junk + 10
    return Score(round(row.points, 1), standing.junk, max(refuse, standing.junk + 1))
