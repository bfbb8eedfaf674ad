"""The search index against the mail that it is made of: whether it knows every message and no
other, whether its texts are those of the bytes, and whether its words are those of its texts.

Safe while mail comes and the indexer works: what differs is looked at again, mail before outbox
before index, and no finding while it waits in the outbox. An index that is being made anew, or is
switched off, has nothing to be checked.
"""

from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from apps.directory.models import User
from apps.mailstore.fsck.finding import Finding, Scope
from apps.mailstore.services import unindexed
from apps.mime.searchtext import VERSION, SearchText
from apps.runtime.rows import fetch
from apps.search import scanning, services
from apps.search.backends import index
from apps.search.backends.contract import Pair
from apps.search.base import Field, Term
from apps.search.indexing import Indexer, Step
from apps.wire.errors import StorageUnavailable

SAMPLE: Final = 20
"""Messages of each user whose texts are compared, unless all shall be."""
_TRIES: Final = 5  # a batch may be written between the two looks
_PAGE: Final = 2_000  # pairs at once
_CHUNK: Final = 50  # texts at once
_PROBE: Final = 24  # characters of a text that are looked up
_LISTED: Final = 5

_MAIL: Final = """
SELECT t.message_id FROM {table} AS t JOIN mailstore_mailbox AS b ON b.id = t.mailbox_id
WHERE b.user_id = %s"""
_OWNERS: Final = "SELECT DISTINCT user_id FROM mailstore_mailbox ORDER BY user_id"


def check(scope: Scope, *, every: bool = False) -> Iterator[Finding]:
    """All findings about the index.

    Args:
        every: compare the texts of all messages, not of some.

    Raises:
        StorageUnavailable: index or object store do not answer.
    """
    if not settings.SEARCH_INDEX:
        return
    usable = _is_usable()
    if usable is None:
        detail = "the index is not of this database: it will be made anew, and mail is read"
        yield Finding("index", "all", detail, is_harmless=True, mend=_begin)
    if not usable:
        return
    owners = [scope.user_id] if scope.user_id is not None else _owners()
    names = dict(User.objects.filter(pk__in=owners).values_list("pk", "address"))
    for done, owner in enumerate(owners, 1):
        yield from _owner(owner, names.get(owner, f"user {owner}, who is not there"), every)
        scope.tell("search index", done, len(owners))


def _is_usable() -> bool | None:
    """Whether there is an index that is filled; None if it does not fit the database."""
    for _ in range(_TRIES):
        state = services.state()
        if state is None or state.below is not None:
            return False
        if state.version == VERSION and state.fits(index().stamp()):
            return True
    return None


def _owners() -> list[int]:
    """Whoever has mailboxes, or rows in the index."""
    found = {row[0] for row in fetch(_OWNERS, [])}
    after: Pair | None = None
    while pairs := index().pairs(after, 1):
        found.add(pairs[0].owner_id)
        after = Pair(pairs[0].owner_id + 1, 0)
    return sorted(found)


def _owner(owner: int, where: str, every: bool) -> Iterator[Finding]:
    if index().find(owner, ()).stamp is None:
        return  # the index keeps nothing of this owner, and says so to whoever asks
    mail = _mail(owner)
    waiting = set(unindexed.waiting_of(owner))
    missing, surplus, there = _merged(mail, _known(owner))
    absent = _missing(owner, [one for one in missing if one not in waiting])
    yield from _told("is not in the index", absent, owner, where)
    gone = _surplus(owner, [one for one in surplus if one not in waiting])
    yield from _told("is in the index, and gone", gone, owner, where)
    sample = there[:: max(1, -(-len(there) // SAMPLE))]
    other: list[int] = []
    for some in _chunks(there if every else sample):
        other += _different(owner, some)
    yield from _told("is another text in the index", other, owner, where)
    if _is_unfindable(owner, sample):
        detail = "texts that the index has are not found by their words"
        yield Finding("index", where, detail, mend=_begin)


def _told(what: str, ids: Sequence[int], owner: int, where: str) -> Iterator[Finding]:
    if ids:
        some = ", ".join(map(str, ids[:_LISTED])) + (", …" if len(ids) > _LISTED else "")
        detail = f"{len(ids)} messages: each {what} ({some})"
        yield Finding("index", where, detail, mend=partial(_again, owner, ids))


def _mail(owner: int) -> "array[int]":
    """Ids of the messages of an owner, rising."""
    found = array("Q")
    with connection.cursor() as cursor:
        for table in ("mailstore_entry", "mailstore_expunged"):
            cursor.execute(_MAIL.format(table=table), [owner])
            while rows := cursor.fetchmany(_PAGE):
                found.extend(row[0] for row in rows)
    return array("Q", sorted(set(found)))


def _merged(
    mail: Sequence[int], known: Iterator[int]
) -> tuple["array[int]", "array[int]", "array[int]"]:
    """What is only in the mail, only in the index, in both; all rise."""
    missing, surplus, there = array("Q"), array("Q"), array("Q")
    at = 0
    for one in known:
        while at < len(mail) and mail[at] < one:
            missing.append(mail[at])
            at += 1
        if at < len(mail) and mail[at] == one:
            there.append(one)
            at += 1
        else:
            surplus.append(one)
    missing.extend(mail[at:])
    return missing, surplus, there


def _known(owner: int) -> Iterator[int]:
    after = Pair(owner, 0)
    while pairs := index().pairs(after, _PAGE):
        for pair in pairs:
            if pair.owner_id != owner:
                return
            yield pair.message_id
        after = pairs[-1]


def _missing(owner: int, ids: Sequence[int]) -> list[int]:
    """Those that are there, do not wait, and are not known, asked for in this order."""
    found: list[int] = []
    for some in _chunks(ids):
        there = _there(owner, some) - set(unindexed.waiting_of(owner))
        found += sorted(there - _kept(owner, sorted(there)).keys())
    return found


def _surplus(owner: int, ids: Sequence[int]) -> list[int]:
    """Those that are known, are not there, and do not wait."""
    found: list[int] = []
    for some in _chunks(ids):
        gone = _kept(owner, some).keys() - _there(owner, some)
        found += sorted(gone - set(unindexed.waiting_of(owner)) if gone else gone)
    return found


def _there(owner: int, ids: Sequence[int]) -> set[int]:
    pairs = scanning.heads_of([Pair(owner, one) for one in ids])
    return {pair.message_id for pair in pairs}


def _kept(owner: int, ids: Sequence[int]) -> dict[int, SearchText | None]:
    return index().texts(owner, ids)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(ids), _CHUNK):
        yield list(ids[first : first + _CHUNK])


def _different(owner: int, ids: Sequence[int]) -> list[int]:
    """Those whose text is not that of their bytes. What the index keeps apart has none, and what
    cannot be read is told as such."""
    suspects = _compared(owner, ids)
    return _compared(owner, suspects) if suspects else []


def _compared(owner: int, ids: Sequence[int]) -> list[int]:
    right = scanning.texts_of(owner, ids)
    waiting = set(unindexed.waiting_of(owner))
    return [
        one
        for one, text in _kept(owner, ids).items()
        if text is not None
        and (expected := right.get(one)) is not None
        and text != expected
        and one not in waiting
    ]


def _is_unfindable(owner: int, ids: Sequence[int]) -> bool:
    """Whether a piece of what is kept of some messages does not lead to them."""
    for some in _chunks(ids):
        for one, text in _kept(owner, some).items():
            for term in _probes(text):
                hits = index().find(owner, [term]).hits[0]
                if hits is not None and one not in hits and _kept(owner, [one]).get(one) == text:
                    return True
    return False


def _probes(text: SearchText | None) -> Iterator[Term]:
    if text is None:
        return
    for name in Field:
        value: str = getattr(text, name.value)
        middle = max(0, len(value) // 2 - _PROBE // 2)
        if piece := value[middle : middle + _PROBE]:
            yield Term(piece, (name,))


def _again(owner: int, ids: Sequence[int]) -> str:
    with transaction.atomic():
        unindexed.arrived((owner, one) for one in ids)
    return "will be indexed anew; until then they are read"


def _begin() -> str:
    """Have all of the index made anew: where words are wrong nobody knows which others are.

    Raises:
        StorageUnavailable: the indexer works just now.
    """
    if Indexer().begin() is Step.BUSY:
        raise StorageUnavailable("the indexer works; try again, or run `manage.py reindex`")
    return "the index is made anew; until then mail is read"
