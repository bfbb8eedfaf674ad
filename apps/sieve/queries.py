"""Who is away, and what they want said. Constant statements for any number of users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from apps.runtime.rows import Values, among, fetch, listed
from apps.sieve.models import Audience, Vacation

LATELY_SECONDS: Final = 86_400

_AWAY: Final = """
SELECT v.user_id, u.address, u.name, v.subject, v.text, v.outside_text, v.audience, v.days,
    v.edition
FROM sieve_vacation v JOIN directory_user u ON u.id = v.user_id
WHERE v.is_on AND v.starts_at <= %s AND (v.ends_at = 0 OR v.ends_at > %s) AND """
_PAIRS: Final = Values("asked", "user_id bigint, sender text, edition bigint")
_TOLD: Final = """
SELECT s.user_id, s.sender FROM {asked}
JOIN sieve_vacationsent s ON s.user_id = asked.user_id AND s.sender = asked.sender
WHERE s.edition = asked.edition AND s.until > %s"""
_LATELY: Final = "SELECT user_id, count(*) FROM sieve_vacationsent WHERE at > %s AND "


@dataclass(frozen=True, slots=True)
class Away:
    """A user who is away now, and what is said for them. `address` as its owner writes it."""

    user_id: int
    address: str
    name: str
    subject: str
    text: str
    outside_text: str
    audience: str
    days: int
    edition: int

    def words(self, *, is_inside: bool) -> str:
        """What is said to somebody inside or outside of the organisation; "" for nothing."""
        is_other = self.audience == Audience.SPLIT and not is_inside
        return (self.outside_text if is_other else self.text).strip()


def away(user_ids: Sequence[int], *, at: int) -> dict[int, Away]:
    """Those of these users who answer at a time (Unix seconds); one statement."""
    if not user_ids:
        return {}
    rows = fetch(_AWAY + among("v.user_id"), [at, at, listed(sorted(user_ids))])
    return {row[0]: Away(*row) for row in rows}


def told(asked: Sequence[tuple[int, str, int]], *, at: int) -> set[tuple[int, str]]:
    """Those pairs of user and sender where that edition has been said, and not long enough ago."""
    if not asked:
        return set()
    rows = fetch(_TOLD.format(asked=_PAIRS.sql), [*Values.parameters(asked), at])
    return {(user, sender) for user, sender in rows}


def lately(user_ids: Sequence[int], *, at: int) -> Mapping[int, int]:
    """How many people each user has told within a day."""
    if not user_ids:
        return {}
    grouped = _LATELY + among("user_id") + " GROUP BY user_id"
    return dict(fetch(grouped, [at - LATELY_SECONDS, listed(sorted(user_ids))]))


def of_user(user_id: int) -> Vacation:
    """What a user has set; the defaults, unsaved, for who has set nothing."""
    found = Vacation.objects.filter(pk=user_id).first()
    return found or Vacation(user_id=user_id)
