"""What is reserved in users' accounts for mail in the queue, against what the queue says."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from django.db import transaction

from apps.mailstore.fsck.finding import Finding, Scope
from apps.mailstore.services import housing
from apps.mailstore.services.locks import lock
from apps.runtime.rows import fetch

# Reserved, and written into the queue, in one transaction; given back in the one that settles.
_RESERVED: Final = """
SELECT u.user_id, o.address, u.reserved, COALESCE(r.total, 0) FROM mailstore_usage AS u
JOIN directory_user AS o ON o.id = u.user_id
LEFT JOIN (SELECT user_id, SUM(reserved) AS total FROM mailqueue_queuedrecipient
  WHERE reserved <> 0 AND user_id IS NOT NULL GROUP BY user_id) AS r ON r.user_id = u.user_id
WHERE u.reserved <> COALESCE(r.total, 0) AND {whose}"""


def check(scope: Scope) -> Iterator[Finding]:
    """Every account that has more or less reserved than its mail in the queue needs."""
    for user_id, address, reserved, total in _wrong(scope.user_id):
        detail = f"{reserved} bytes are reserved, but mail in the queue needs {total}"
        yield Finding("counters", address, detail, mend=partial(_mend, user_id))


def _wrong(user_id: int | None) -> list[tuple[int, str, int, int]]:
    whose = "1 = 1" if user_id is None else "u.user_id = %s"
    rows = fetch(_RESERVED.format(whose=whose), [] if user_id is None else [user_id])
    return [(user, address, reserved, int(total)) for user, address, reserved, total in rows]


def _mend(user_id: int) -> str:
    with transaction.atomic():
        lock(users=[user_id])
        for _, _, reserved, total in _wrong(user_id):
            housing.reserve(user_id, total)
            return f"{total} bytes are reserved now, {reserved} before"
    return ""
