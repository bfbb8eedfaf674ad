"""What filtering keeps: verdicts, lists and thresholds, quarantine, what was learned."""

from apps.scan.models.attachments import AttachmentPolicy
from apps.scan.models.lessons import Lesson, Taught, Token
from apps.scan.models.policies import EntryKind, ListEntry, RulePoints, Threshold, Verb
from apps.scan.models.quarantine import (
    DANGEROUS,
    Digest,
    Notice,
    Quarantined,
    QuarantineState,
    Reason,
)
from apps.scan.models.verdicts import Scanned

__all__ = [
    "DANGEROUS",
    "AttachmentPolicy",
    "Digest",
    "EntryKind",
    "Lesson",
    "ListEntry",
    "Notice",
    "QuarantineState",
    "Quarantined",
    "Reason",
    "RulePoints",
    "Scanned",
    "Taught",
    "Threshold",
    "Token",
    "Verb",
]
