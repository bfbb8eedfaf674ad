"""Puts results of a search into the order that SORT asks for (RFC 5256 section 2, RFC 5957).

What is sorted by comes from columns: nothing is read of a body, and of a header only what ENVELOPE
has. Values are read by pages; sorting runs on a database thread too, in pieces that let other
threads run in between.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any, Final

from apps.imap.context import Context
from apps.imap.proto.addresses import CC, FROM, TO, Address, first_addresses
from apps.mime.collation import collated
from apps.imap.proto.sort import Criterion, Key
from apps.imap.proto.subject import base_subject
from apps.imap.search.finding import PAGE, Found, Progress, score_of
from apps.imap.search.pieces import sort_columns
from apps.mailstore import queries
from apps.mime.headers import decode_text
from apps.runtime.db import in_db

_COLUMNS: Final = {
    Key.ARRIVAL: ("internaldate",),
    Key.DATE: ("sent_seconds", "internaldate"),
    Key.SIZE: ("size",),
    Key.SUBJECT: ("subject",),
}
_FIELDS: Final = {
    Key.CC: CC,
    Key.FROM: FROM,
    Key.TO: TO,
    Key.DISPLAYFROM: FROM,
    Key.DISPLAYTO: TO,
}
_NUMBERS: Final = frozenset({Key.ARRIVAL, Key.DATE, Key.SIZE})


async def ordered(context: Context, found: Found, criteria: Sequence[Criterion]) -> list[int]:
    """Return the places of a result in the order asked for; what is alike stays in the mailbox's.

    Messages that were expunged meanwhile are sorted as if they had nothing to be sorted by.
    """
    keys = [one.key for one in criteria if one.key is not Key.RELEVANCY]
    values = await _values(context, found, keys)
    if any(one.key is Key.RELEVANCY for one in criteria):
        # The most relevant first (RFC 6203 section 6).
        values[Key.RELEVANCY] = [-score_of(found, place) for place in found.places]
    columns = [(values[one.key], one.reverse) for one in criteria]
    order = await in_db("read", sort_columns, columns)
    return [found.places[place] for place in order]


async def _values(context: Context, found: Found, keys: Sequence[Key]) -> dict[Key, Any]:
    values: dict[Key, Any] = {key: array("q") if key in _NUMBERS else [] for key in keys}
    if not keys:
        return values
    progress, total = Progress(context), len(found.places)
    mailbox_id = found.subject.view.mirror.mailbox_id
    for start in range(0, total, PAGE):
        uids = found.numbers(found.places[start : start + PAGE], uid=True)
        page = await in_db("read", read_values, mailbox_id, uids, keys)
        for key, column in page.items():
            values[key].extend(column)
        await progress.note(start + len(uids), total)
    return values


def read_values(mailbox_id: int, uids: Sequence[int], keys: Sequence[Key]) -> dict[Key, list[Any]]:
    """Return what each of some messages (rising) is sorted by. On a database thread."""
    columns: dict[str, int] = {}
    for key in keys:
        for name in _COLUMNS.get(key, ("envelope",)):
            columns.setdefault(name, len(columns) + 1)
    rows = {row[0]: row for row in queries.fetch_page(mailbox_id, uids, tuple(columns))}
    readers = [(key, _reader(key, columns)) for key in keys]
    fields = frozenset(_FIELDS[key] for key in keys if key in _FIELDS)
    result: dict[Key, list[Any]] = {key: [] for key in keys}
    for uid in uids:
        row = rows.get(uid)
        first: dict[int, Address] = {}
        if row is not None and fields:
            first = first_addresses(bytes(row[columns["envelope"]]), fields)
        for key, reader in readers:
            if row is None:
                result[key].append(0 if key in _NUMBERS else "")
            elif reader is not None:
                result[key].append(reader(row))
            else:
                result[key].append(_address_value(key, first[_FIELDS[key]]))
    return result


def _reader(key: Key, columns: dict[str, int]) -> Callable[[Sequence[Any]], Any] | None:
    if key is Key.DATE:
        sent, arrived = columns["sent_seconds"], columns["internaldate"]
        return lambda row: row[arrived] if row[sent] is None else row[sent]
    if key is Key.SUBJECT:
        subject = columns["subject"]
        return lambda row: collated(base_subject(row[subject]).text)
    if key in _COLUMNS:
        place = columns[_COLUMNS[key][0]]
        return lambda row: row[place]
    return None


def _address_value(key: Key, address: Address) -> str:
    if key not in {Key.DISPLAYFROM, Key.DISPLAYTO}:
        return collated(decode_text(address.mailbox))
    name = decode_text(address.name)
    if name:
        return collated(name)
    whole = address.mailbox + b"@" + address.host if address.host else address.mailbox
    return collated(decode_text(whole))
