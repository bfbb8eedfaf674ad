"""Sets counters of mailboxes and users to what is there, within the caller's transaction and under
its locks."""

from typing import Any, Final

from django.db import connection

from apps.mailstore.services import quota
from apps.runtime.rows import ManyRows, fetch

UID_MAX: Final = (1 << 32) - 1
_CHANGES: Final = 100  # of the newest ones, whose UIDs are looked at

_COUNT: Final = """
SELECT COUNT(*), COALESCE(SUM(1 - (flags & 1)), 0), COALESCE(SUM(size), 0),
  COALESCE(MAX(CASE WHEN uid <= %s THEN uid END), 0), COALESCE(MAX(modseq), 0)
FROM mailstore_entry WHERE mailbox_id = %s"""
_EXPUNGED: Final = """
SELECT COALESCE(MAX(CASE WHEN uid <= %s THEN uid END), 0), COALESCE(MAX(modseq), 0)
FROM mailstore_expunged WHERE mailbox_id = %s"""
_NEWEST: Final = """
SELECT uids, modseq FROM mailstore_change WHERE mailbox_id = %s ORDER BY modseq DESC LIMIT %s"""
_STATE: Final = """
SELECT uidnext, highestmodseq FROM mailstore_mailboxstate WHERE mailbox_id = %s"""
_SET: Final = """
UPDATE mailstore_mailboxstate SET messages = %s, unseen = %s, size = %s, uidnext = %s,
  highestmodseq = %s, recent_floor = CASE WHEN recent_floor > %s THEN %s ELSE recent_floor END,
  expunged_floor = CASE WHEN expunged_floor > %s THEN %s ELSE expunged_floor END
WHERE mailbox_id = %s"""
_NEW_STATE = ManyRows(
    "INSERT INTO mailstore_mailboxstate"
    " (mailbox_id, uidnext, highestmodseq, messages, unseen, size, recent_floor, expunged_floor)",
    "bigint bigint bigint bigint bigint bigint bigint bigint",
)
_USE: Final = """
UPDATE mailstore_usage SET
  size = (SELECT COALESCE(SUM(s.size), 0) FROM mailstore_mailboxstate AS s
    JOIN mailstore_mailbox AS b ON b.id = s.mailbox_id
    WHERE b.user_id = mailstore_usage.user_id AND b.deleted_at IS NULL),
  messages = (SELECT COALESCE(SUM(s.messages), 0) FROM mailstore_mailboxstate AS s
    JOIN mailstore_mailbox AS b ON b.id = s.mailbox_id
    WHERE b.user_id = mailstore_usage.user_id AND b.deleted_at IS NULL),
  expunged = (SELECT COALESCE(SUM(x.cost), 0) FROM mailstore_expunged AS x
    JOIN mailstore_mailbox AS b ON b.id = x.mailbox_id WHERE b.user_id = mailstore_usage.user_id)
  + (SELECT COALESCE(SUM(e.size), 0) FROM mailstore_entry AS e
    JOIN mailstore_mailbox AS b ON b.id = e.mailbox_id
    WHERE b.user_id = mailstore_usage.user_id AND b.deleted_at IS NOT NULL)
WHERE user_id = %s"""
_TAKE_UIDVALIDITY: Final = """
INSERT INTO mailstore_counter (name, value) VALUES ('uidvalidity', 1)
ON CONFLICT (name) DO UPDATE SET value = mailstore_counter.value + 1 RETURNING value"""


def count_mailbox(mailbox_id: int) -> str:
    """Set the counters of a mailbox, or make them; says what it did.

    UIDNEXT rises only when it was wrong. Which UIDs were given and expunged since is not known for
    certain then, so the mailbox gets a new UIDVALIDITY: no client may take a new message for an old
    one (RFC 3501 section 2.3.1.1).
    """
    ((messages, unseen, size, uid, modseq),) = fetch(_COUNT, [UID_MAX, mailbox_id])
    ((gone, gone_modseq),) = fetch(_EXPUNGED, [UID_MAX, mailbox_id])
    told, told_modseq = journalled(mailbox_id)
    highest = max(uid, gone, told)
    changed = max(modseq, gone_modseq, told_modseq, 1)
    state = fetch(_STATE, [mailbox_id])
    uidnext, kept = state[0] if state else (0, 0)
    is_right = highest < uidnext <= UID_MAX + 1
    uidnext = uidnext if is_right else highest + 1
    changed = max(changed, kept)
    if not state:
        _NEW_STATE.write([(mailbox_id, uidnext, changed, 0, 0, 0, uidnext, changed)])
    values = [messages, unseen, size, uidnext, changed]
    with connection.cursor() as cursor:
        cursor.execute(_SET, [*values, uidnext, uidnext, changed, changed, mailbox_id])
    return "counted anew" if is_right else f"counted anew, {renew_uidvalidity(mailbox_id)}"


def journalled(mailbox_id: int) -> tuple[int, int]:
    """The highest UID of the newest changes of a mailbox, and the modseq of the newest; 0 for
    none."""
    uid = modseq = 0
    for text, at in fetch(_NEWEST, [mailbox_id, _CHANGES]):
        uid, modseq = max(uid, _highest(text)), max(modseq, at)
    return uid, modseq


def _highest(text: Any) -> int:
    """The last number of a set, which rises; 0 if it is none."""
    try:
        return int(str(text).rpartition(",")[2].rpartition(":")[2])
    except ValueError:
        return 0


def count_user(user_id: int) -> None:
    """Set what a user uses by the counters of the mailboxes; makes its row if there is none."""
    quota.open_account(user_id)
    with connection.cursor() as cursor:
        cursor.execute(_USE, [user_id])


def renew_uidvalidity(mailbox_id: int) -> str:
    """Give a mailbox a UIDVALIDITY that no client has seen; says so."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_UIDVALIDITY)
        value = int(cursor.fetchone()[0])
        cursor.execute(
            "UPDATE mailstore_mailbox SET uidvalidity = %s WHERE id = %s", [value, mailbox_id]
        )
    return f"UIDVALIDITY {value} now"
