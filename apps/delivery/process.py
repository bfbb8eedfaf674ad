"""From the queue to the mailboxes, or on to other servers: claim a batch, judge, route, sign, file,
settle.

One call of `run_once` is one step: it returns how many messages it found. Filing a message and
settling its queue rows is one transaction, so local delivery happens exactly once whatever is
killed when. Parsing, judging and blob reads happen before that transaction begins. If a batch
fails, its messages are tried one by one; a message that fails alone is given back
(`mailqueue.services.release`) and held after three tries, while the rest flows.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from apps.blobs import services as blobs
from apps.delivery import answering, bounce, judged, places, plan
from apps.delivery.judged import Judged
from apps.delivery.local import file_plans
from apps.delivery.places import Ground, Seated
from apps.delivery.plan import Plan
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import Lane
from apps.mailqueue.services import Claimed, LeaseLostError
from apps.runtime.db import translate_errors
from apps.scan.base import Case
from apps.scan.servers.check import most_at_once
from apps.wire.errors import Damaged, MailError, Temporary

log = logging.getLogger(__name__)

COPIES = 500  # of one transaction

Item = TypeVar("Item")
Made = TypeVar("Made")


def run_once(
    limit: int | None = None, *, lane: Lane = Lane.FAST, retries_first: bool = False
) -> int:
    """Process one batch of due messages; how many there were.

    Args:
        limit: fewer than the lane's portion.
        retries_first: see `mailqueue.services.claim`.

    Raises:
        StorageUnavailable: database or blob store do not answer. What was claimed is given back
            if that is possible, else its lease ends.
    """
    with translate_errors():
        claimed = mailqueue.claim(_most(limit, lane), lane=lane, retries_first=retries_first)
    if not claimed:
        return 0
    for plans in _portions(_plan_all(claimed)):
        if not _commit(plans):
            for one in plans:
                _commit_alone(one)
    return len(claimed)


def _most(limit: int | None, lane: Lane) -> int:
    """Messages to claim: where other scanners are asked, all of a batch wait for its slowest."""
    most = most_at_once(mailqueue.PORTIONS[lane].messages)
    return most if limit is None else min(limit, most)


def _portions(plans: Sequence[Plan]) -> Iterator[list[Plan]]:
    """The plans in order, in transactions of a bounded number of copies: while one runs, nobody
    else writes to SQLite, and mail to a large alias has a thousand. A message stays whole."""
    portion: list[Plan] = []
    copies = 0
    for one in plans:
        if portion and copies + len(one.filings) > COPIES:
            yield portion
            portion, copies = [], 0
        portion.append(one)
        copies += len(one.filings)
    if portion:
        yield portion


def _plan_all(claimed: Sequence[Claimed]) -> list[Plan]:
    """Everything that needs no transaction. A message that cannot be planned is given back."""
    try:
        return _planned(claimed)
    except Exception as error:
        if len(claimed) == 1:
            _give_back(claimed[0], error)
            return []
        # A store that is away is no message's fault; one file that cannot be read is. Alone, each
        # will show which. Without this their leases would lapse, and that counts as a crash.
        with translate_errors():
            mailqueue.put_back(claimed, _words(error))
        raise


def _planned(claimed: Sequence[Claimed]) -> list[Plan]:
    with translate_errors():
        raws = blobs.read_many([message.blob_id for message in claimed])
        found = places.survey(claimed, raws)
    seated = _each(claimed, lambda one: one, lambda one: _seat(one, raws, found))
    with translate_errors():
        batch = judged.judge(_without_heavy(seated))
        junk = plan.junks(batch)
    plans = _each(batch, _message, lambda one: plan.make(one, found, junk))
    with translate_errors():
        return answering.answer(plans, found)


def _without_heavy(seated: Sequence[Seated]) -> list[tuple[Seated, Case | None]]:
    """Messages with their cases; those that take long to look into go to the workers who have the
    time."""
    cases = list(zip(seated, judged.cases(seated), strict=True))
    heavy = {
        one.message.id: one.message.token
        for one, case in cases
        if case is not None and one.message.lane == Lane.FAST and judged.is_heavy(case)
    }
    for token in set(heavy.values()):
        mailqueue.make_heavy(token, [item for item in heavy if heavy[item] == token])
    if heavy:
        bell.ring_heavy()
    return [(one, case) for one, case in cases if one.message.id not in heavy]


def _each(
    items: Sequence[Item], message_of: Callable[[Item], Claimed], work: Callable[[Item], Made]
) -> list[Made]:
    """What `work` makes of each item. A message that it fails for is given back: a poison message
    must not stop the others."""
    done = []
    for one in items:
        try:
            with translate_errors():
                done.append(work(one))
        except Exception as error:  # noqa: BLE001 - see above
            _give_back(message_of(one), error)
    return done


def _message(one: Judged) -> Claimed:
    return one.seated.message


def _seat(message: Claimed, raws: Mapping[UUID, bytes], found: Ground) -> Seated:
    raw = raws.get(message.blob_id)
    if raw is None:
        raise Damaged(f"blob {message.blob_id} cannot be read")
    return places.seat(message, raw, found)


def _commit(plans: Sequence[Plan]) -> bool:
    """File and settle a batch in one transaction; False if it failed and nothing was kept."""
    while plans:
        try:
            with translate_errors(), transaction.atomic():
                file_plans(plans)
        except LeaseLostError as error:
            # Taken over by another worker, or withdrawn by their door; the others are still ours.
            log.warning("lease lost", extra={"messages": [str(item) for item in error.ids]})
            lost = frozenset(error.ids)
            bounce.discard([report for one in plans if one.id in lost for report in one.reports])
            plans = [one for one in plans if one.id not in lost]
        except Exception:
            log.exception("a batch failed, going on one by one", extra={"messages": len(plans)})
            return False
        else:
            return True
    return True


def _commit_alone(one: Plan) -> None:
    try:
        with translate_errors(), transaction.atomic():
            file_plans([one])
    except LeaseLostError:
        log.warning("lease lost", extra={"queue_id": str(one.message.id)})
        bounce.discard(one.reports)
    except Exception as error:  # noqa: BLE001 - as above
        _give_back(one.message, error)
        bounce.discard(one.reports)


def _give_back(message: Claimed, error: Exception) -> None:
    """Log it and let it be tried again;

    what the database or disk did is not the message's fault.
    """
    log.error(
        "message could not be processed",
        exc_info=error,
        extra={"trace_id": str(message.trace_id), "queue_id": str(message.id)},
    )
    with translate_errors():
        mailqueue.release(message, _words(error), counts=not isinstance(error, Temporary))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, MailError) else repr(error)
