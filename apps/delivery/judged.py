"""Claimed messages as the filter judges them: cases made of a batch, with what came of each.

What may be judged is judged together: checks look things up once for all of it. Not judged is our
own mail, and what somebody let go who may; not looked into is what a worker died over.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from apps.delivery.places import Elsewhere, Seated
from apps.directory.homes import organizations_of
from apps.mailqueue.services import ClaimedRecipient
from apps.reception import judging
from apps.scan import runner
from apps.scan.attachments.heavy import is_heavy as looks_heavy
from apps.scan.base import Case, Reader
from apps.scan.services import verdicts
from apps.scan.services.verdicts import Keeping
from apps.scan.verdict import Verdict

# A worker may have died over a neighbour in its batch: once. Alone, it is this message's doing.
FEARED_CRASHES: Final = 2
FEARED: Final = "a worker of this server died over it"


@dataclass(frozen=True, slots=True)
class Judged:
    """A message and its verdict; `keeping` is None, and the verdict empty, if it was not judged."""

    seated: Seated
    verdict: Verdict
    keeping: Keeping | None = None


def cases(batch: Sequence[Seated]) -> list[Case | None]:
    """What the filter is to look at, for each message in order; None: it is not to be judged."""
    judgeable = [one for one in batch if not one.message.is_cleared]
    homes = organizations_of(user for one in judgeable for _, user in _wishers(one))
    return [None if one.message.is_cleared else _case(one, homes) for one in batch]


def is_heavy(case: Case) -> bool:
    """Whether looking into a message takes so long that usual mail must not wait for it."""
    return not case.unscannable and looks_heavy(case.letter)


def judge(batch: Sequence[tuple[Seated, Case | None]]) -> list[Judged]:
    """Judge a batch, in order. Outside of any transaction: it may take seconds.

    Raises:
        django.db.Error: the database does not say what readers want.
    """
    judgeable = [(seated, case) for seated, case in batch if case is not None]
    found = {
        case.id: Judged(
            seated, verdict, verdicts.prepare(case, verdict, blob_id=seated.message.blob_id)
        )
        for (seated, case), verdict in zip(
            judgeable, runner.run([case for _, case in judgeable]), strict=True
        )
    }
    return [found.get(seated.message.id) or Judged(seated, Verdict()) for seated, _ in batch]


def _case(seated: Seated, homes: Mapping[int, int]) -> Case:
    message = seated.message
    readers = tuple(
        Reader(
            user_id=user,
            address=seated.address(recipient),
            written=recipient.original,
            domain=judging.parts(recipient.original)[1],
            organization_id=homes.get(user, 0),
        )
        for recipient, user in _wishers(seated)
    )
    return Case(
        id=message.id,
        trace_id=message.trace_id,
        raw=seated.raw,
        sender=message.sender,
        recipients=tuple(one.address for one in message.recipients),
        readers=readers,
        door=message.door,
        received_at_us=message.received_at_us,
        client=json.loads(message.client),
        judgement=json.loads(message.judgement) if message.judgement else {},
        user_id=message.user_id,
        unscannable=FEARED if message.crashes >= FEARED_CRASHES else "",
        elsewhere=tuple(
            recipient.original
            for recipient, place in seated.places
            if isinstance(place, Elsewhere) and recipient.id not in seated.forwarders
        ),
    )


def _wishers(seated: Seated) -> list[tuple[ClaimedRecipient, int]]:
    """Whose wishes count, with the recipient by whom the message comes to them: those who get it,
    and those who have it sent on, whether they keep a copy or not."""
    found = {user: recipient for recipient, user in seated.readers}
    for recipient, _ in seated.places:
        if (user := seated.forwarders.get(recipient.id)) is not None:
            found.setdefault(user.user_id, recipient)
    return [(recipient, user) for user, recipient in found.items()]
