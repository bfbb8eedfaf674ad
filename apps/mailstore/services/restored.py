"""After a backup was restored: what clients remember of later times must not fit any more.

Between the backup and the restore, UIDs were given out that the restored counters will give out
again, to other messages. A client that kept those would show the wrong mail. A new UIDVALIDITY for
every mailbox makes all of them start afresh (RFC 3501 section 2.3.1.1).
"""

from django.db import connection, transaction

# More mailboxes than can have been made between a backup and its restore: their UIDVALIDITY, too,
# must not come again. 32 bits have room for four thousand restores.
_STEP = 1_000_000


def renew_uidvalidity() -> None:
    """Give every mailbox a UIDVALIDITY that no client has seen."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE mailstore_mailbox SET uidvalidity = uidvalidity + %s", [_STEP])
        cursor.execute(
            "UPDATE mailstore_counter SET value = value + %s WHERE name = 'uidvalidity'", [_STEP]
        )


def go_on_after(value: int) -> None:
    """Let new mailboxes begin above a UIDVALIDITY that clients may remember: all rows, the counter
    with them, were taken away, and the same names are about to be made again."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mailstore_counter (name, value) VALUES ('uidvalidity', %s)"
            " ON CONFLICT (name) DO UPDATE SET value ="
            " CASE WHEN mailstore_counter.value < excluded.value THEN excluded.value"
            " ELSE mailstore_counter.value END",
            [value],
        )
