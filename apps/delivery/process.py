"""From the queue to the mailboxes, or on to other servers: claim a batch, scan, route, sign, file,
settle.

One call of `run_once` is one step: it returns how many messages it found. Filing a message and
settling its queue rows is one transaction, so local delivery happens exactly once whatever is
killed when. Parsing and blob reads happen before that transaction begins. If a batch fails, its
messages are tried one by one; a message that fails alone is given back
(`mailqueue.services.release`) and held after three tries, while the rest flows.
"""

import logging
from collections.abc import Iterator, Sequence

from django.db import transaction

from apps.blobs import services as blobs
from apps.delivery import bounce, plan
from apps.delivery.local import file_plans
from apps.delivery.plan import Plan
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import Claimed, LeaseLostError
from apps.runtime.db import translate_errors
from apps.wire.errors import Damaged, MailError, Temporary

log = logging.getLogger(__name__)

BATCH = 256
COPIES = 500  # of one transaction


def run_once(limit: int = BATCH, *, retries_first: bool = False) -> int:
    """Process one batch of due messages; how many there were.

    Args:
        retries_first: see `mailqueue.services.claim`.

    Raises:
        StorageUnavailable: database or blob store do not answer. What was claimed is given back
            if that is possible, else its lease ends.
    """
    with translate_errors():
        claimed = mailqueue.claim(limit, retries_first=retries_first)
    if not claimed:
        return 0
    for plans in _portions(_plan_all(claimed)):
        if not _commit(plans):
            for one in plans:
                _commit_alone(one)
    return len(claimed)


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
        with translate_errors():
            raws = blobs.read_many([message.blob_id for message in claimed])
            found = plan.survey(claimed, raws)
    except Exception as error:
        if len(claimed) == 1:
            _give_back(claimed[0], error)
            return []
        # A store that is away is no message's fault; one file that cannot be read is. Alone, each
        # will show which. Without this their leases would lapse, and that counts as a crash.
        with translate_errors():
            mailqueue.put_back(claimed, _words(error))
        raise
    plans = []
    for message in claimed:
        try:
            raw = raws.get(message.blob_id)
            if raw is None:
                raise Damaged(f"blob {message.blob_id} cannot be read")
            with translate_errors():
                plans.append(plan.make(message, raw, found))
        except Exception as error:  # noqa: BLE001 - a poison message must not stop the others
            _give_back(message, error)
    return plans


def _commit(plans: Sequence[Plan]) -> bool:
    """File and settle a batch in one transaction; False if it failed and nothing was kept."""
    try:
        with translate_errors(), transaction.atomic():
            file_plans(plans)
    except LeaseLostError as error:
        # The others are still ours: they go on one by one.
        log.warning("lease lost", extra={"messages": [str(item) for item in error.ids]})
        return False
    except Exception:
        log.exception("a batch failed, going on one by one", extra={"messages": len(plans)})
        return False
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
