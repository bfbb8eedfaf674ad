"""Users and their mailboxes as such: accounts of space, INBOX, names, UIDVALIDITYs, rights, what a
conversation knows."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from apps.mailstore.fsck.finding import Finding, Scope
from apps.mailstore.fsck.mailboxes import newest_message
from apps.mailstore.models import SpecialUse
from apps.mailstore.services import housing
from apps.mailstore.services.mailboxes import normal
from apps.mailstore.services.recounting import UID_MAX
from apps.mailstore.shares import RIGHTS
from apps.runtime.rows import fetch
from apps.wire.errors import InvalidName

_PAGE: Final = 500  # users, mailboxes

_HOUSED: Final = """
SELECT o.id, o.address, u.user_id IS NULL, NOT EXISTS (
    SELECT 1 FROM mailstore_mailbox AS b
    WHERE b.user_id = o.id AND b.special_use = 'inbox' AND b.deleted_at IS NULL)
FROM directory_user AS o LEFT JOIN mailstore_usage AS u ON u.user_id = o.id
WHERE o.id > %s AND o.state <> 'removed' AND {whose} ORDER BY o.id LIMIT %s"""
_USED: Final = """
SELECT u.user_id, o.address, u.size, u.messages, u.expunged,
  COALESCE(SUM(s.size), 0), COALESCE(SUM(s.messages), 0),
  (SELECT COALESCE(SUM(x.cost), 0) FROM mailstore_mailbox AS b
    JOIN mailstore_expunged AS x ON x.mailbox_id = b.id WHERE b.user_id = u.user_id) +
  (SELECT COALESCE(SUM(e.size), 0) FROM mailstore_mailbox AS b
    JOIN mailstore_entry AS e ON e.mailbox_id = b.id
    WHERE b.user_id = u.user_id AND b.deleted_at IS NOT NULL)
FROM mailstore_usage AS u
JOIN directory_user AS o ON o.id = u.user_id
LEFT JOIN mailstore_mailbox AS b ON b.user_id = u.user_id AND b.deleted_at IS NULL
LEFT JOIN mailstore_mailboxstate AS s ON s.mailbox_id = b.id
WHERE u.user_id > %s AND {whose}
GROUP BY u.user_id, o.address, u.size, u.messages, u.expunged
ORDER BY u.user_id LIMIT %s"""
_NAMED: Final = """
SELECT b.id, o.address, b.name, b.special_use, b.uidvalidity, b.deleted_at
FROM mailstore_mailbox AS b JOIN directory_user AS o ON o.id = b.user_id
WHERE b.id > %s AND {whose} ORDER BY b.id LIMIT %s"""
_RIGHTS: Final = """
SELECT r.id, o.address, b.name, r.rights FROM mailstore_mailboxright AS r
JOIN mailstore_mailbox AS b ON b.id = r.mailbox_id JOIN directory_user AS o ON o.id = b.user_id
WHERE r.id > %s AND {whose} ORDER BY r.id LIMIT %s"""
_THREADS: Final = """
SELECT t.user_id, t.digest, t.thread_id, o.address FROM mailstore_threadreference AS t
LEFT JOIN directory_user AS o ON o.id = t.user_id
WHERE (t.thread_id NOT BETWEEN 1 AND %s OR o.id IS NULL) AND (t.user_id, t.digest) > (%s, %s)
AND {whose} ORDER BY t.user_id, t.digest LIMIT %s"""
_USES: Final = frozenset(SpecialUse.values)


def check(scope: Scope) -> Iterator[Finding]:
    """What has to be right before mailboxes are looked into."""
    for user_id, address, has_no_usage, has_no_inbox in _pages(_HOUSED, "o.id", scope):
        if has_no_usage:
            mend = partial(housing.open_account, user_id)
            yield Finding("account", address, "it has no account of space", mend=mend)
        if has_no_inbox:
            mend = partial(housing.open_inbox, user_id)
            yield Finding("account", address, "there is no INBOX, mail cannot come in", mend=mend)
    yield from _names(scope)
    yield from _rights(scope)
    yield from _threads(scope)


def use(scope: Scope) -> Iterator[Finding]:
    """What users use, by the counters of their mailboxes: to be asked when these are right."""
    for user_id, address, *numbers in _pages(_USED, "u.user_id", scope):
        kept, counted = numbers[:3], [int(number) for number in numbers[3:]]
        if kept != counted:
            detail = f"bytes, messages, expunged bytes are {counted}, but {kept} is kept"
            mend = partial(housing.recount, user_id)
            yield Finding("counters", address, detail, mend=mend)


def _pages(sql: str, column: str, scope: Scope) -> Iterator[tuple[Any, ...]]:
    """All rows of a statement that goes by its first column."""
    whose = "1 = 1" if scope.user_id is None else f"{column} = %s"
    mine = [] if scope.user_id is None else [scope.user_id]
    after = 0
    while rows := fetch(sql.format(whose=whose), [after, *mine, _PAGE]):
        yield from rows
        after = rows[-1][0]


def _names(scope: Scope) -> Iterator[Finding]:
    highest = 0
    for box_id, address, name, use, uidvalidity, deleted_at in _pages(_NAMED, "b.user_id", scope):
        where = f"{address} {name}"
        if not 1 <= uidvalidity <= UID_MAX:
            detail = f"UIDVALIDITY {uidvalidity}: no client knows such a one"
            mend = partial(housing.renew_uidvalidity, box_id)
            yield Finding("mailbox", where, detail, mend=mend)
        else:
            highest = max(highest, uidvalidity)
        if deleted_at is None and not _is_normal(name):
            detail = "such a name cannot be asked for"
            yield Finding("mailbox", where, detail, mend=partial(housing.rename, box_id, where))
        if use not in _USES:
            mend = partial(housing.take_use_off, box_id, where)
            yield Finding("mailbox", where, f"{use!r} is no role", mend=mend)
    given = fetch("SELECT value FROM mailstore_counter WHERE name = 'uidvalidity'", [])
    if highest > (given[0][0] if given else 0):
        detail = f"the next mailbox would get a UIDVALIDITY that is given already, {highest}"
        mend = partial(housing.raise_uidvalidity, highest)
        yield Finding("mailbox", "UIDVALIDITY", detail, mend=mend)


def _is_normal(name: Any) -> bool:
    try:
        return isinstance(name, str) and normal(name) == name
    except InvalidName:
        return False


def _rights(scope: Scope) -> Iterator[Finding]:
    for right_id, address, name, rights in _pages(_RIGHTS, "b.user_id", scope):
        if rights != "".join(letter for letter in RIGHTS if letter in rights) or not rights:
            where = f"{address} {name}"
            mend = partial(housing.clean_rights, right_id, where)
            yield Finding("mailbox", where, f"{rights!r} are no rights", mend=mend)


def _threads(scope: Scope) -> Iterator[Finding]:
    """Those that would make messages to come part of what they have nothing to do with."""
    whose = "1 = 1" if scope.user_id is None else "t.user_id = %s"
    mine = [] if scope.user_id is None else [scope.user_id]
    after = (0, 0)
    while rows := fetch(_THREADS.format(whose=whose), [newest_message(), *after, *mine, _PAGE]):
        newest = newest_message()
        for user_id, digest, thread_id, address in rows:
            if address is not None and 1 <= thread_id <= newest:
                continue  # it has begun since
            where = address or f"user {user_id}, who is not there"
            detail = f"a Message-ID is known by conversation {thread_id}"
            mend = partial(housing.forget_reference, user_id, digest, where)
            yield Finding("thread", where, detail, is_harmless=address is None, mend=mend)
        after = rows[-1][:2]
