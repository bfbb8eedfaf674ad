"""What happened becomes events, and events become deliveries, in the background: nothing on the way
of mail, no sign-in and no administrator waits for it.

Each source has a cursor. It is read without any lock, and what was made of it is thrown away if
somebody has moved the cursor meanwhile.
"""

import time
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final, Protocol

from apps.webhooks.happened import Happened, Read
from apps.webhooks.models import Cursor
from apps.webhooks.services import events, interests
from apps.webhooks.sources import acts, mail, quotas, signins

BATCH: Final = 500  # rows of a source in a transaction
PATIENCE: Final = 1.0  # seconds that are waited for transactions that began before


class _Source(Protocol):
    def __call__(self, place: int, most: int) -> Read: ...


_SOURCES: Final[Mapping[str, _Source]] = {
    mail.NAME: mail.after,
    acts.NAME: partial(acts.after, patience=PATIENCE),
    signins.NAME: partial(signins.after, patience=PATIENCE),
    quotas.NAME: quotas.after,
}


def gather(*, seconds: float) -> int:
    """Read all sources for so long, or until all is read; how many events that made."""
    end = time.monotonic() + seconds
    made = 0
    waiting = dict(_SOURCES) if interests.wanted() else {}
    while waiting and time.monotonic() < end:
        for name, source in list(waiting.items()):
            count, is_all = gather_once(name, source)
            made += count
            if is_all:
                del waiting[name]
    return made


def gather_once(name: str, source: _Source) -> tuple[int, bool]:
    """Read some of one source: how many events that made, and whether that was all."""
    place = Cursor.objects.filter(pk=name).values_list("place", flat=True).first()
    if place is None:
        return 0, True  # nobody has wanted any events yet
    read = source(place, BATCH)
    wanted = interests.wanted()
    found = [one for one in read.found if _is_wanted(one, wanted)]
    if read.place == place and not found:
        return 0, read.is_all
    count = events.add(source=name, before=place, place=read.place, found=found)
    return (0, False) if count is None else (count, read.is_all)


def _is_wanted(one: Happened, wanted: Collection[int]) -> bool:
    return interests.EVERYTHING in wanted or one.organization_id in wanted
