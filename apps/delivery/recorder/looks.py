"""Looks into traces are audited: who wrote to whom, and what was done with it in a mailbox, is
somebody's mail. Of one message and one administrator, once in a while."""

from typing import Final

from django.db import transaction

from apps.audit.services import record
from apps.delivery.recorder.journey import Journey
from apps.directory import subjects
from apps.directory.subjects import Subject
from apps.runtime.ulid import ulid_text
from apps.scan.services import notices

ONCE_IN: Final = 86_400  # seconds
_NAMED: Final = 5


def note(journey: Journey, by: int) -> None:
    """Record that an administrator looked."""
    name = ulid_text(journey.trace_id)
    with transaction.atomic():
        if notices.count(f"trace read {by} {name}", ONCE_IN) == 1:
            # No addresses: who may read of this look may not know all of them.
            record("trace.read", **_about(journey, name))


def _about(journey: Journey, name: str) -> Subject:
    """Whose mail it was: of several, the first whose copy was in sight."""
    owners = sorted(box.user_id for box in journey.life.boxes.values())
    if owners:
        return subjects.of_user_id(owners[0], name)
    written = journey.folded.written or ((journey.folded.sender,) if journey.folded.sender else ())
    for address in written[:_NAMED]:
        found = subjects.of_address(address)
        if found["domain_id"] is not None:
            return {**found, "subject": name}
    return subjects.of_service(name)
