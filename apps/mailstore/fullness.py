"""How full mailboxes are, by the levels at which their users are told of it.

What counts is what new mail is refused by (`services/quota.py`): what is kept and what is reserved
for mail in the queue. A level that was told counts as reached until there is 5 % of the quota less
than that: who empties a mailbox by one letter is not told again at the next.
"""

from dataclasses import dataclass
from typing import Final

from apps.runtime.rows import fetch

LEVELS: Final = (80, 95, 100)
"""Percent of the quota."""

# In whole numbers, and so that no quota is too large: the database's own have 63 bits.
_USED: Final = "(g.size + g.reserved)"
_REACHED: Final = f"""CASE WHEN o.quota = 0 THEN 0
  WHEN {_USED} >= o.quota THEN 100
  WHEN {_USED} >= o.quota - o.quota / 20 THEN 95
  WHEN {_USED} >= o.quota - o.quota / 5 THEN 80 ELSE 0 END"""
_KEPT: Final = f"""CASE WHEN o.quota = 0 THEN 0
  WHEN {_USED} >= o.quota - o.quota / 20 THEN 100
  WHEN {_USED} >= o.quota - o.quota / 10 THEN 95
  WHEN {_USED} >= o.quota - o.quota / 4 THEN 80 ELSE 0 END"""

# Nobody is told whose mail is refused anyhow: that is looked at again when it works again.
_CHANGED: Final = f"""
SELECT o.id, o.address, o.kind, o.quota, {_USED}, COALESCE(n.level, 0), {_REACHED}, {_KEPT}
FROM mailstore_usage g
JOIN directory_user o ON o.id = g.user_id
LEFT JOIN mailstore_quotanotice n ON n.user_id = g.user_id
LEFT JOIN directory_domain d ON d.id = o.domain_id
LEFT JOIN directory_organization t ON t.id = d.organization_id
WHERE ({_REACHED} > COALESCE(n.level, 0) OR {_KEPT} < COALESCE(n.level, 0))
AND o.state IN ('active', 'locked') AND COALESCE(d.state, 'active') <> 'suspended'
AND COALESCE(t.state, 'active') <> 'suspended' AND g.user_id > %s
ORDER BY g.user_id LIMIT %s"""


@dataclass(frozen=True, slots=True)
class Changed:
    """A user whose mailbox is fuller, or emptier, than it was when the user was told.

    Args:
        quota, used: bytes; a quota of 0 is no limit.
        told: the level that was told last, 0 for none.
        level: the one that counts now; to be told if it is higher.
    """

    user_id: int
    address: str
    kind: str
    quota: int
    used: int
    told: int
    level: int

    @property
    def percent(self) -> int:
        """Of the quota, which there is."""
        return 100 * self.used // self.quota


def changed(*, after: int = 0, limit: int = 500) -> list[Changed]:
    """Users of another level than they were told, by id from `after` on; one constant statement."""
    return [_changed(*row) for row in fetch(_CHANGED, [after, limit])]


def _changed(
    user_id: int,
    address: str,
    kind: str,
    quota: int,
    used: int,
    told: int,
    reached: int,
    kept: int,
) -> Changed:
    return Changed(user_id, address, kind, quota, used, told, max(reached, min(told, kept)))
