"""What filtering keeps: verdicts, lists and thresholds, quarantine, what was learned."""

from apps.scan.models.quarantine import (
    Digest,
    Notice,
    Quarantined,
    QuarantineState,
    Reason,
)

__all__ = [
    "Digest",
    "Notice",
    "QuarantineState",
    "Quarantined",
    "Reason",
]
