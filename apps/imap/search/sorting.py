"""Puts results of a search into the order that SORT asks for (RFC 5256 section 2, RFC 5957).

What is sorted by comes from columns (`apps.imap.search.reading`): nothing is read of a body, and of
a header only what ENVELOPE has. The order of a whole mailbox is kept beside its columns: who asks
again gets it as it is, and new mail is merged into it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import compress
from typing import Final

from apps.imap.context import Context
from apps.imap.proto.sort import Criterion, Key
from apps.imap.search.finding import Found, score_of
from apps.imap.search.pieces import stable_sorted
from apps.imap.search.reading import columns_of
from apps.imap.selected.columns import Column, Columns
from apps.runtime.db import in_db

_COLUMNS: Final = {
    Key.ARRIVAL: Column.ARRIVED,
    Key.CC: Column.CC,
    Key.DATE: Column.SENT,
    Key.DISPLAYFROM: Column.DISPLAYFROM,
    Key.DISPLAYTO: Column.DISPLAYTO,
    Key.FROM: Column.FROM,
    Key.SIZE: Column.SIZE,
    Key.SUBJECT: Column.SUBJECT,
    Key.TO: Column.TO,
}
_MOST: Final = 4
"""A result of at least one message in so many is picked from the order of all."""
_AT_ONCE: Final = 20_000
"""Messages of which a result is picked in some milliseconds."""


async def ordered(context: Context, found: Found, criteria: Sequence[Criterion]) -> Sequence[int]:
    """Return the places of a result in the order asked for; what is alike stays in the mailbox's
    (RFC 5256: not even REVERSE turns that round).

    Messages that were expunged meanwhile are sorted as if they had nothing to be sorted by.
    """
    wanted = [_COLUMNS[one.key] for one in criteria if one.key is not Key.RELEVANCY]
    columns = Columns()
    if wanted:
        subject = found.subject
        columns = await columns_of(context, subject.view, subject.uids, wanted)
    keys = tuple((_COLUMNS.get(one.key), one.reverse) for one in criteria)
    if keys[0] in columns.orders and len(keys) == 1 and len(columns.uids) <= _AT_ONCE:
        return _sorted(columns, found, keys)
    return await in_db("read", _sorted, columns, found, keys)


def _sorted(
    columns: Columns, found: Found, keys: Sequence[tuple[Column | None, bool]]
) -> Sequence[int]:
    """Sort by the last criterion first, each time keeping what is alike in its order."""
    places = found.places
    for number, (column, reverse) in enumerate(reversed(keys)):
        if column is None:  # the most relevant first (RFC 6203 section 6)
            places = stable_sorted(places, lambda place: -score_of(found, place), reverse=reverse)
        elif number == 0 and len(places) * _MOST >= len(columns.uids):
            places = _picked(columns, column, places, reverse=reverse)
        else:
            places = stable_sorted(places, columns.values[column].__getitem__, reverse=reverse)
    return places


def _picked(
    columns: Columns, column: Column, places: Sequence[int], *, reverse: bool
) -> Sequence[int]:
    """Take these from the order of all, which is made if it is not there."""
    order = columns.orders.get((column, reverse))
    count = len(columns.uids)
    if order is None:
        value: Callable[[int], object] = columns.values[column].__getitem__
        order = array("I", stable_sorted(range(count), value, reverse=reverse))
        columns.orders[column, reverse] = order
    if len(places) == count:
        return order.tolist()
    marks = bytearray(count)
    for place in places:
        marks[place] = 1
    return list(compress(order, map(marks.__getitem__, order)))
