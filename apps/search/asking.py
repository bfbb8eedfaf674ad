"""What the search index knows of an owner's mail, and what of that can be believed.

In this order, or messages are overlooked: the caller lists the messages it searches; then the
outbox is read, which names what the index has not seen; then the index. Whatever arrives meanwhile
is in neither list, and what the index writes meanwhile was still in the outbox.

Rights are the caller's business: an owner is whose mailbox it is, not who asks.
"""

import logging
from collections.abc import Sequence
from typing import Final

from django.conf import settings

from apps.mailstore.services import unindexed
from apps.mime.searchtext import VERSION
from apps.runtime.db import read_snapshot
from apps.search import services
from apps.search.backends import index
from apps.search.base import Known, Term
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

_TRIES: Final = 3  # two batches may be written between reading the outbox and reading the index


def ask(owner_id: int, terms: Sequence[Term]) -> Known:
    """Look terms up among the mail of an owner; two queries and the index.

    All that can go wrong with an index comes out as an index that cannot tell.
    """
    nothing = Known(frozenset(), (None,) * len(terms))
    if not settings.SEARCH_INDEX:
        return nothing
    for _ in range(_TRIES):
        with read_snapshot():
            waiting = unindexed.waiting_of(owner_id)
            state = services.state()
        if state is None or state.below is not None or state.version != VERSION:
            return nothing
        try:
            found = index().find(owner_id, terms)
        except MailError as error:
            logger.warning("the search index does not answer", extra={"detail": error.detail})
            return nothing
        if state.fits(found.stamp):
            return Known(found.apart | set(waiting), found.hits)
    return nothing
