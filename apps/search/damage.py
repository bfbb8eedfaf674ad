"""Tells the administrator of messages that a search had to leave out.

Once for each message and process: a client may search every few seconds, and what is broken stays
so until somebody mends it. Nothing of what it says goes into the log.
"""

import logging
from typing import Final

from apps.runtime.seldom import Once
from apps.wire.errors import Damaged

logger = logging.getLogger(__name__)

_once: Final = Once(logger)


def tell(message_id: int, error: Damaged) -> None:
    """Say that a message cannot be searched, all or in part."""
    extra = {"mail": message_id, "detail": error.detail}
    _once.warning("a damaged message is left out of searches", message_id, extra)
