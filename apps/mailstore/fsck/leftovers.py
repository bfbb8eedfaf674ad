"""What nothing shows: messages in no mailbox, rows in mailboxes that are not there, heads and other
small things that nothing names.

All of it is written, and goes, in one transaction with what names it, so that a statement that
finds it alone has found damage.
"""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.blobs.services import as_uuid
from apps.directory.models import User
from apps.mailstore.fsck.contents import STEP
from apps.mailstore.fsck.finding import Finding, Scope
from apps.mailstore.models import Judged, Mailbox
from apps.mailstore.services import rehousing
from apps.mailstore.services.threads import digests
from apps.runtime.rows import among, fetch, listed
from apps.trace import queries as trace

_LOOKED_AT: Final = 50  # messages of a lost mailbox that are asked whose they are
_FETCHED: Final = 500

_UNSHOWN: Final = """
SELECT m.id, m.trace_id, m.size, m.message_id FROM mailstore_message AS m
WHERE m.id > %s AND m.id <= %s
AND NOT EXISTS (SELECT 1 FROM mailstore_entry AS e WHERE e.message_id = m.id)
AND NOT EXISTS (SELECT 1 FROM mailstore_expunged AS x WHERE x.message_id = m.id) ORDER BY m.id"""
_HEADS: Final = """
SELECT id FROM mailstore_deliveryhead
EXCEPT SELECT head_id FROM mailstore_entry EXCEPT SELECT head_id FROM mailstore_expunged"""
_LINE_SIZES: Final = """
SELECT l.message_id FROM mailstore_linesize AS l
WHERE NOT EXISTS (SELECT 1 FROM mailstore_message AS m WHERE m.id = l.message_id)"""
_NEXT: Final = "SELECT mailbox_id FROM {table} WHERE mailbox_id > %s ORDER BY mailbox_id LIMIT 1"
_HOMELESS: Final = """
SELECT COUNT(*), COALESCE(SUM(size), 0) FROM {table} WHERE mailbox_id = %s
AND NOT EXISTS (SELECT 1 FROM mailstore_mailbox AS b WHERE b.id = %s)"""
_SAMPLE: Final = """
SELECT m.message_id, m.trace_id FROM {table} AS t JOIN mailstore_message AS m ON m.id = t.message_id
WHERE t.mailbox_id = %s AND m.message_id <> '' ORDER BY t.uid DESC LIMIT %s"""
_KNOWING: Final = (
    "SELECT t.digest, t.user_id FROM mailstore_threadreference AS t"
    " JOIN directory_user AS o ON o.id = t.user_id WHERE {digests}"
)
_MARKS: Final = """
SELECT j.id, j.judged, o.address FROM mailstore_junkmark AS j
LEFT JOIN directory_user AS o ON o.id = j.user_id
WHERE o.id IS NULL OR j.judged NOT IN ({judged}) ORDER BY j.id"""


def check(scope: Scope) -> Iterator[Finding]:
    """All findings; they are of nobody, so there are none for one user."""
    if scope.user_id is not None:
        return
    yield from _unshown(scope)
    yield from _small()
    yield from _junk_marks()


def homeless(scope: Scope) -> Iterator[Finding]:
    """Rows in mailboxes that are not there: to be asked before what is in mailboxes, for these may
    be made again."""
    if scope.user_id is not None:
        return
    for table in ("mailstore_entry", "mailstore_expunged"):
        after = 0
        while rows := fetch(_NEXT.format(table=table), [after]):
            ((after,),) = rows
            ((count, size),) = fetch(_HOMELESS.format(table=table), [after, after])
            if not count:
                continue
            owner = _owner_of(table, after)
            detail = f"{count} messages, {size} bytes, are in a mailbox that is not there"
            mend = None if owner is None else partial(rehousing.remake_mailbox, after, owner)
            kind = "entry" if table == "mailstore_entry" else "expunged"
            yield Finding(kind, f"mailbox {after}", detail, mend=mend)


def _owner_of(table: str, mailbox_id: int) -> int | None:
    """Who knows, by conversations, every one of its newest messages; None if that is nobody, or
    several do."""
    rows = fetch(_SAMPLE.format(table=table), [mailbox_id, _LOOKED_AT])
    wanted = [digests(own, "", "")[0] for own, _ in rows]
    knowing: dict[int, set[int]] = {digest: set() for digest in wanted}
    sql = _KNOWING.format(digests=among("t.digest"))
    for digest, user_id in fetch(sql, [listed(sorted(knowing))]) if knowing else ():
        knowing[digest].add(user_id)
    users = set.intersection(*knowing.values()) if knowing else set()
    return users.pop() if len(users) == 1 else None


def _unshown(scope: Scope) -> Iterator[Finding]:
    ((first, last),) = fetch("SELECT MIN(id), MAX(id) FROM mailstore_message", [])
    start, end = (first or 1) - 1, last or 0
    for after in range(start, end, STEP):
        for number, trace_id, size, message_id in fetch(_UNSHOWN, [after, after + STEP]):
            users = _readers(as_uuid(trace_id), message_id)
            told = ", ".join(address for _, address in users) or "nobody knows whom it was for"
            detail = f"{size} bytes that no mailbox shows; {told}"
            ids = [user_id for user_id, _ in users]
            mend = partial(rehousing.refile, number, ids) if ids else None
            yield Finding("unshown", f"message {number}", detail, mend=mend)
        scope.tell("what nothing shows", min(after + STEP, end) - start, end - start)


def _readers(trace_id: UUID, message_id: str) -> list[tuple[int, str]]:
    """(id, address) of the users whose mail this was: the trace of its delivery tells, or else the
    conversations, if they know it for one user only."""
    living = User.objects.living()
    events = [one for one in trace.events_of(trace_id) if one.kind == "local.delivered"]
    boxes = Mailbox.objects.filter(pk__in=[one.data.get("mailbox", 0) for one in events])
    users = living.filter(mailboxes__in=boxes).distinct()
    if not users and message_id:
        knowing = {row[1] for row in _known_by(message_id)}
        users = living.filter(pk__in=knowing if len(knowing) == 1 else [])
    return list(users.order_by("pk").values_list("pk", "address"))


def _known_by(message_id: str) -> list[tuple[Any, ...]]:
    sql = _KNOWING.format(digests=among("t.digest"))
    return fetch(sql, [listed(digests(message_id, "", "")[:1])])


def _small() -> Iterator[Finding]:
    """Nobody's mail suffers from these."""
    for kind, sql, detail in (
        ("head", _HEADS, "a delivery head that nothing names"),
        ("line-size", _LINE_SIZES, "of a message that is not there"),
    ):
        for number in _numbers(sql):
            mend = partial(rehousing.set_aside, kind, number)
            yield Finding(kind, f"row {number}", detail, is_harmless=True, mend=mend)


def _numbers(sql: str) -> Sequence[int]:
    found: list[int] = []
    with connection.cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(_FETCHED):
            found += [row[0] for row in rows]
    return sorted(found)


def _junk_marks() -> Iterator[Finding]:
    marks = ", ".join(["%s"] * len(Judged.values))
    for number, judged, address in fetch(_MARKS.format(judged=marks), Judged.values):
        detail = f"says {json.dumps(judged)} for {address or 'nobody'}: it cannot be learned"
        mend = partial(rehousing.set_aside, "junk-mark", number)
        yield Finding("junk-mark", f"row {number}", detail, is_harmless=True, mend=mend)
