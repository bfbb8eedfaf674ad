"""How much a user may send: limits of the user, of its domain and of its organisation. Reads only.

A user's limits are those of its own row, and the settings' where the row says nothing; domains and
organisations have the limits of their rows. 0 is no limit. What was sent is counted by hour and by
day of UTC, for each scope that has a limit (`services/limits.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings

from apps.runtime.clock import now
from apps.runtime.rows import Values, among, fetch, listed
from apps.wire.errors import SendLimitReached

FIELDS: Final = (
    "messages_per_hour",
    "messages_per_day",
    "recipients_per_hour",
    "recipients_per_day",
    "recipients_per_message",
)
_ROW: Final = ", ".join(f"{{0}}.{name}" for name in FIELDS)
_LIMITS: Final = f"""
SELECT u.id, d.id, d.name, o.id, o.name, {_ROW.format("lu")}, {_ROW.format("ld")},
    {_ROW.format("lo")}
FROM directory_user u
LEFT JOIN directory_domain d ON d.id = u.domain_id
LEFT JOIN directory_organization o ON o.id = d.organization_id
LEFT JOIN directory_sendlimit lu ON lu.user_id = u.id
LEFT JOIN directory_sendlimit ld ON ld.domain_id = d.id
LEFT JOIN directory_sendlimit lo ON lo.organization_id = o.id
WHERE {{among}}"""
_METERS: Final = Values("asked", "scope text, period text")
_COUNTS: Final = """
SELECT c.scope, c.period, c.messages, c.recipients
FROM {asked}
JOIN directory_sendcount c ON c.scope = asked.scope AND c.period = asked.period"""

UNBOUNDED: Final = 1_000  # recipients of one message: more the doors do not take from anybody
_SECONDS: Final = {"hour": 3_600, "day": 86_400}

Key = tuple[str, str]
"""Scope and period: what names a row of SendCount."""


class MeterReached(SendLimitReached):
    """One of the limits per hour or day; `key` says of whom, and of which hour or day."""

    def __init__(self, key: Key, text: str) -> None:
        super().__init__(f"{key[0]} {key[1]}", text=text)
        self.key = key


@dataclass(frozen=True, slots=True)
class Meter:
    """What one scope may send in the hour or the day that runs; 0 is no limit.

    `who` is for the sender to read: you, your domain, your organisation.
    """

    scope: str
    period: str
    who: str
    span: str  # hour, day
    ends_at: int  # Unix seconds
    messages: int
    recipients: int

    @property
    def key(self) -> Key:
        return self.scope, self.period

    def refusal(self, messages: int, recipients: int) -> MeterReached | None:
        """Why a scope that would then have sent so much may not; None if it may."""
        if self.messages and messages > self.messages:
            return self._reached(many(self.messages, "message"))
        if self.recipients and recipients > self.recipients:
            return self._reached(f"mail to {many(self.recipients, 'recipient')}")
        return None

    def _reached(self, what: str) -> MeterReached:
        until = datetime.fromtimestamp(self.ends_at, UTC)
        return MeterReached(
            self.key,
            f"{self.who} may send {what} per {self.span};"
            f" try again after {until:%Y-%m-%d %H:%M} UTC",
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """All that bounds what one user sends."""

    meters: tuple[Meter, ...]
    recipients_per_message: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a user may still send now.

    Args:
        recipients: of one message; a limit that is nearer than the message's own is in it.
        refusal: what to say beyond `recipients` if such a limit is nearer.
    """

    recipients: int
    refusal: MeterReached | None


def limits_of(user_ids: Iterable[int], at: int | None = None) -> dict[int, Limits]:
    """The limits of users; one query.

    Args:
        at: Unix seconds; None is now.
    """
    at = now() if at is None else at
    asked = sorted(set(user_ids))
    if not asked:
        return {}
    rows = fetch(_LIMITS.format(among=among("u.id")), [listed(asked)])
    return {row[0]: _limits(row, at) for row in rows}


def allowances(user_ids: Iterable[int]) -> dict[int, Allowance | MeterReached]:
    """What users may still send now, or why nothing more: asked early, so that a client learns
    before it sends text. Acceptance counts again, and decides. Two queries for all.
    """
    limits = limits_of(user_ids)
    meters = {meter.key: meter for one in limits.values() for meter in one.meters}
    sent = counts(list(meters.values()))
    return {user_id: _allowance(one, sent) for user_id, one in limits.items()}


def _allowance(limits: Limits, sent: Mapping[Key, tuple[int, int]]) -> Allowance | MeterReached:
    most, nearer = limits.recipients_per_message, None
    for meter in limits.meters:
        messages, recipients = sent.get(meter.key, (0, 0))
        reached = meter.refusal(messages + 1, recipients + 1)
        if reached is not None:
            return reached
        left = meter.recipients - recipients
        if meter.recipients and left < most:
            most, nearer = left, meter.refusal(1, meter.recipients + 1)
    return Allowance(most, nearer)


def counts(meters: Sequence[Meter]) -> dict[Key, tuple[int, int]]:
    """Messages and recipients that were counted on meters; those with none are left out."""
    if not meters:
        return {}
    keys = _METERS.parameters([meter.key for meter in meters])
    rows = fetch(_COUNTS.format(asked=_METERS.sql), keys)
    return {(scope, period): (sent, to) for scope, period, sent, to in rows}


def period(span: str, at: int) -> str:
    """The name of the hour or day that holds a time, as SendCount has it."""
    return f"{span[0]}/{at // _SECONDS[span]}"


def many(number: int, word: str) -> str:
    """A number of things, in words."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _limits(row: Sequence[Any], at: int) -> Limits:
    user_id, domain_id, domain, organization_id, organization, *numbers = row
    size = len(FIELDS)
    own = [_own(name, value) for name, value in zip(FIELDS, numbers[:size], strict=True)]
    scopes = [(f"user/{user_id}", "You", own)]
    if domain_id is not None:
        theirs = [value or 0 for value in numbers[size : 2 * size]]
        scopes.append((f"domain/{domain_id}", f"All users of {domain} together", theirs))
        theirs = [value or 0 for value in numbers[2 * size :]]
        who = f"All users of {organization} together"
        scopes.append((f"organization/{organization_id}", who, theirs))
    per_message = min((values[-1] for _, _, values in scopes if values[-1]), default=UNBOUNDED)
    meters = [meter for scope in scopes for meter in _meters(*scope, at)]
    return Limits(tuple(meters), per_message)


def _own(name: str, value: int | None) -> int:
    """A user's own limit, else the setting's."""
    return int(getattr(settings, f"SEND_{name.upper()}")) if value is None else value


def _meters(scope: str, who: str, values: Sequence[int], at: int) -> list[Meter]:
    by_hour = ("hour", values[0], values[2])
    by_day = ("day", values[1], values[3])
    return [
        Meter(
            scope=scope,
            period=period(span, at),
            who=who,
            span=span,
            ends_at=(at // _SECONDS[span] + 1) * _SECONDS[span],
            messages=messages,
            recipients=recipients,
        )
        for span, messages, recipients in (by_hour, by_day)
        if messages or recipients
    ]
