"""Mends rows of mailboxes that fsck has found damaged.

Each function is one transaction that takes the locks, looks again, and says in words what it did;
nothing if there was nothing to do any more. What is replaced or taken out is set aside. Clients
hear of it as of any other change: by a modseq.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, transaction

from apps.mailstore.models import Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import aside, filing, threads, unindexed
from apps.mailstore.services.filing import Change, Growth
from apps.mailstore.services.keywords import BITS
from apps.mailstore.services.locks import lock
from apps.mailstore.services.recounting import count_mailbox, count_user
from apps.runtime.rows import ManyRows, fetch

ENTRY: Final = "mailstore_entry"
EXPUNGED: Final = "mailstore_expunged"
ORIGIN: Final = Origin("fsck", None)
RECOVERED: Final = "Recovered"
"""What keywords, and mailboxes, without a name are called."""

_NO_GROWTH: Final = Growth(0, 0, 0, 0)
_MESSAGE_SIZE: Final = """
(SELECT m.size + COALESCE((SELECT length(h.raw) FROM mailstore_deliveryhead AS h
  WHERE h.id = {table}.head_id), 0) FROM mailstore_message AS m WHERE m.id = {table}.message_id)"""
# As `expunge` and `copy` have it: what lives on elsewhere costs little.
_COST: Final = "CASE WHEN fate IN (1, 2) AND size > 1024 THEN 1024 ELSE size END"
_TAKE_OUT: Final = """
DELETE FROM {table} WHERE mailbox_id = %s AND uid = %s AND (
  NOT EXISTS (SELECT 1 FROM mailstore_message AS m WHERE m.id = {table}.message_id) {or_live})
RETURNING *"""
_OR_LIVE: Final = """
OR EXISTS (SELECT 1 FROM mailstore_entry AS e
  WHERE e.mailbox_id = mailstore_expunged.mailbox_id AND e.uid = mailstore_expunged.uid)"""
_NEW_KEYWORDS = ManyRows(
    "INSERT INTO mailstore_keyword (mailbox_id, bit, name)", "bigint smallint text"
)


@contextmanager
def _locked(mailbox_id: int) -> Iterator[int | None]:
    """Within: a transaction with the locks of a mailbox and its owner, which is given; None if the
    mailbox is gone."""
    with transaction.atomic():
        owner = Mailbox.objects.filter(pk=mailbox_id).values_list("user_id", flat=True).first()
        lock(users=[] if owner is None else [owner], mailboxes=[mailbox_id])
        yield owner


def _changed(mailbox_id: int, uids: Sequence[int]) -> int:
    """Have clients look at these again; the modseq that they have now."""
    modseq = filing.grow({mailbox_id: _NO_GROWTH})[mailbox_id].modseq
    with connection.cursor() as cursor:
        for uid in uids:
            cursor.execute(
                "UPDATE mailstore_entry SET modseq = %s WHERE mailbox_id = %s AND uid = %s",
                [modseq, mailbox_id, uid],
            )
    filing.record([Change(mailbox_id, "mend", uids, modseq, ORIGIN)])
    return modseq


def _row(table: str, mailbox_id: int, uid: int) -> dict[str, Any]:
    return _first(f"SELECT * FROM {table} WHERE mailbox_id = %s AND uid = %s", [mailbox_id, uid])


def _first(sql: str, parameters: Sequence[Any]) -> dict[str, Any]:
    """The first row that a statement gives, by name; empty if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
        names = [column[0] for column in cursor.description or ()]
    return dict(zip(names, row, strict=True)) if row else {}


def _set(table: str, mailbox_id: int, uid: int, given: str, parameters: Sequence[Any] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {given} WHERE mailbox_id = %s AND uid = %s",
            [*parameters, mailbox_id, uid],
        )


def take_out(table: str, mailbox_id: int, uid: int, where: str) -> str:
    """Take a row out of a mailbox that names no message, or an expunge of what is there; a client
    that resynchronises is told that the UID is gone."""
    with _locked(mailbox_id) as owner:
        or_live = _OR_LIVE if table == EXPUNGED else ""
        row = _first(_TAKE_OUT.format(table=table, or_live=or_live), [mailbox_id, uid])
        if not row:
            return ""
        aside.keep("entry" if table == ENTRY else "expunged", where, row)
        modseq = row["modseq"] if table == EXPUNGED else _changed(mailbox_id, [uid])
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE mailstore_mailboxstate SET expunged_floor = %s"
                " WHERE mailbox_id = %s AND expunged_floor < %s",
                [modseq, mailbox_id, modseq],
            )
        _recount(mailbox_id, owner)
        if owner is not None:
            unindexed.left(owner, [row["message_id"]])
    return "set aside"


def take_head_off(table: str, mailbox_id: int, uid: int, where: str) -> str:
    """Show a message without the delivery head that is lost."""
    with _locked(mailbox_id) as owner:
        row = _row(table, mailbox_id, uid)
        head = row.get("head_id")
        if head is None or fetch("SELECT 1 FROM mailstore_deliveryhead WHERE id = %s", [head]):
            return ""
        aside.keep("head", where, row)
        _set(table, mailbox_id, uid, "head_id = NULL")
        _resize(table, mailbox_id, uid)
        _recount(mailbox_id, owner)
        if owner is not None:
            unindexed.arrived([(owner, row["message_id"])])
    return "shown without it"


def resize(table: str, mailbox_id: int, uid: int) -> str:
    """Give a row the size that it has."""
    with _locked(mailbox_id) as owner:
        if not _row(table, mailbox_id, uid):
            return ""
        _resize(table, mailbox_id, uid)
        _recount(mailbox_id, owner)
    return "measured anew"


def _resize(table: str, mailbox_id: int, uid: int) -> None:
    _set(table, mailbox_id, uid, f"size = {_MESSAGE_SIZE.format(table=table)}")
    if table == EXPUNGED:
        _set(table, mailbox_id, uid, f"cost = {_COST}")


def clean_flags(table: str, mailbox_id: int, uid: int, where: str) -> str:
    """Take off bits that stand for no flag."""
    with _locked(mailbox_id) as owner:
        if not (row := _row(table, mailbox_id, uid)):
            return ""
        aside.keep("flags", where, row)
        _set(table, mailbox_id, uid, "flags = flags & 31")
        if table == ENTRY:
            _changed(mailbox_id, [uid])
        _recount(mailbox_id, owner)
    return f"flags {row['flags']} are {row['flags'] & 31} now"


def name_keywords(table: str, mailbox_id: int, uid: int, where: str) -> str:
    """Give the keywords of a message that have no name one: otherwise the next new keyword would be
    theirs, and the message would have it."""
    with _locked(mailbox_id):
        if not (row := _row(table, mailbox_id, uid)):
            return ""
        known = dict(_keywords(mailbox_id))
        bits = [bit for bit in range(BITS) if row["keywords"] >> bit & 1 and bit not in known]
        names = _names(bits, known.values())
        _NEW_KEYWORDS.write([(mailbox_id, bit, name) for bit, name in names.items()])
        if row["keywords"] < 0:
            aside.keep("keywords", where, row)
            _set(table, mailbox_id, uid, "keywords = keywords & %s", [(1 << BITS) - 1])
        if table == ENTRY:
            _changed(mailbox_id, [uid])
    return f"named {', '.join(names.values())}" if names else "bit 63 is taken off"


def rename_keyword(mailbox_id: int, bit: int) -> str:
    """Give a keyword a name that clients can be told."""
    with _locked(mailbox_id), connection.cursor() as cursor:
        known = dict(_keywords(mailbox_id))
        if bit not in known:
            return ""
        (name,) = _names([bit], known.values()).values()
        aside.keep("keywords", f"mailbox {mailbox_id}", {"bit": bit, "name": known[bit]})
        cursor.execute(
            "UPDATE mailstore_keyword SET name = %s WHERE mailbox_id = %s AND bit = %s",
            [name, mailbox_id, bit],
        )
        _changed(mailbox_id, [])
    return f"called {name} now"


def _keywords(mailbox_id: int) -> list[tuple[Any, ...]]:
    return fetch("SELECT bit, name FROM mailstore_keyword WHERE mailbox_id = %s", [mailbox_id])


def _names(bits: Sequence[int], taken: Any) -> dict[int, str]:
    """A name for each bit, none of those that are taken."""
    known = {str(name).lower() for name in taken}
    names = {}
    for bit in bits:
        name = f"{RECOVERED}-{bit}"
        while name.lower() in known:
            name += "-"
        names[bit] = name
    return names


def date_anew(table: str, mailbox_id: int, uid: int, where: str) -> str:
    """Give a message whose date of arrival is none that of when it was saved here, or else
    1 January 1970."""
    with _locked(mailbox_id):
        if not (row := _row(table, mailbox_id, uid)):
            return ""
        aside.keep("date", where, row)
        saved = row["saved_at"] if 0 < (row["saved_at"] or 0) < 1 << 36 else 0
        given = "internaldate = %s, internaldate_offset = 0"
        _set(table, mailbox_id, uid, given, [saved])
        if table == ENTRY:
            _changed(mailbox_id, [uid])
    return "dated when it was saved here"


def thread_anew(table: str, mailbox_id: int, uid: int, where: str) -> str:
    """Have a message's conversation looked for again."""
    with _locked(mailbox_id):
        if not (row := _row(table, mailbox_id, uid)):
            return ""
        aside.keep("thread", where, row)
        _set(table, mailbox_id, uid, "thread_id = NULL")
    if table == ENTRY:
        threads.fill(mailbox_id, [uid])
    return "looked for again"


def renumber(mailbox_id: int, uid: int, where: str) -> str:
    """Give a message a UID that clients can be told: the next one."""
    with _locked(mailbox_id):
        if not (row := _row(ENTRY, mailbox_id, uid)):
            return ""
        place = filing.grow({mailbox_id: Growth(1, 0, 0, 0)})[mailbox_id]
        aside.keep("uid", where, row)
        _set(ENTRY, mailbox_id, uid, "uid = %s, modseq = %s", [place.uid, place.modseq])
        filing.record([Change(mailbox_id, "mend", [place.uid], place.modseq, ORIGIN)])
    return f"UID {place.uid} now"


def recount(mailbox_id: int) -> str:
    """Count a mailbox anew, and what its owner uses."""
    with _locked(mailbox_id) as owner:
        if owner is None:
            return ""
        told = _recount(mailbox_id, owner)
        _changed(mailbox_id, [])
    return told


def _recount(mailbox_id: int, owner: int | None) -> str:
    told = count_mailbox(mailbox_id)
    if owner is not None:
        count_user(owner)
    return told
