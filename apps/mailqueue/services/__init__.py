"""The write door of the queue: put in, claim, settle, give back, hold, delete, prune.

The hot statements are constant SQL; `tests/mailqueue` proves them equal to the ORM's.
"""

from apps.mailqueue.services.holding import delete, hold, retry
from apps.mailqueue.services.intake import EnvelopeRecipient, Submission, enqueue, known
from apps.mailqueue.services.leases import (
    CLAIM_BYTES,
    CRASHES_ALONE,
    LEASE_SECONDS,
    Claimed,
    ClaimedRecipient,
    claim,
)
from apps.mailqueue.services.pruning import KEEP_SETTLED_SECONDS, prune
from apps.mailqueue.services.settling import (
    LeaseLostError,
    put_back,
    release,
    settle,
    settle_recipients,
)

__all__ = [
    "CLAIM_BYTES",
    "CRASHES_ALONE",
    "KEEP_SETTLED_SECONDS",
    "LEASE_SECONDS",
    "Claimed",
    "ClaimedRecipient",
    "EnvelopeRecipient",
    "LeaseLostError",
    "Submission",
    "claim",
    "delete",
    "enqueue",
    "hold",
    "known",
    "prune",
    "put_back",
    "release",
    "retry",
    "settle",
    "settle_recipients",
]
