"""The write door of the queue: put in, claim, settle, give back, hold, delete, prune.

The hot statements are constant SQL; `tests/mailqueue` proves them equal to the ORM's.
"""

from apps.mailqueue.services.destinations import (
    Due,
    close_destination,
    due_destinations,
    open_destinations,
    prune_destinations,
)
from apps.mailqueue.services.ending import finish_forgotten, hold_recipients
from apps.mailqueue.services.fencing import check, give_back, renew, reroute_leased
from apps.mailqueue.services.holding import clear, delete, hold, reroute, retry
from apps.mailqueue.services.intake import (
    EnvelopeRecipient,
    Submission,
    enqueue,
    known,
    lane_of,
)
from apps.mailqueue.services.leases import (
    CRASHES_ALONE,
    PORTIONS,
    Claimed,
    ClaimedRecipient,
    claim,
)
from apps.mailqueue.services.offers import (
    Outcome,
    accept_offered,
    lock,
    outcomes_of,
    refuse,
    withdraw,
)
from apps.mailqueue.services.outcomes import (
    Departure,
    RecipientsLostError,
    Settled,
    settle_outgoing,
    wait,
)
from apps.mailqueue.services.outgoing import (
    OUT_LEASE_SECONDS,
    Outgoing,
    OutgoingRecipient,
    claim_destination,
    claim_messages,
    claim_overdue,
)
from apps.mailqueue.services.pruning import KEEP_SETTLED_SECONDS, prune
from apps.mailqueue.services.recalling import Recall, cancel, hasten, reschedule
from apps.mailqueue.services.settling import (
    LeaseLostError,
    hold_unseen,
    make_heavy,
    put_back,
    put_off,
    release,
    settle,
    settle_recipients,
)

__all__ = [
    "CRASHES_ALONE",
    "KEEP_SETTLED_SECONDS",
    "OUT_LEASE_SECONDS",
    "PORTIONS",
    "Claimed",
    "ClaimedRecipient",
    "Departure",
    "Due",
    "EnvelopeRecipient",
    "LeaseLostError",
    "Outcome",
    "Outgoing",
    "OutgoingRecipient",
    "Recall",
    "RecipientsLostError",
    "Settled",
    "Submission",
    "accept_offered",
    "cancel",
    "check",
    "claim",
    "claim_destination",
    "claim_messages",
    "claim_overdue",
    "clear",
    "close_destination",
    "delete",
    "due_destinations",
    "enqueue",
    "finish_forgotten",
    "give_back",
    "hasten",
    "hold",
    "hold_recipients",
    "hold_unseen",
    "known",
    "lane_of",
    "lock",
    "make_heavy",
    "open_destinations",
    "outcomes_of",
    "prune",
    "prune_destinations",
    "put_back",
    "put_off",
    "refuse",
    "release",
    "renew",
    "reroute",
    "reroute_leased",
    "reschedule",
    "retry",
    "settle",
    "settle_outgoing",
    "settle_recipients",
    "wait",
    "withdraw",
]
