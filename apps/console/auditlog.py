"""What somebody asks the audit log for, as it stands in an address of the console."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.http import QueryDict

from apps.audit.queries import Wanted
from apps.audit.words import SENTENCES
from apps.console.typed import typed

MAX_TEXT: Final = 320
_FIELDS: Final = ("text", "actor", "action", "subject", "since", "until")
_NOUNS: Final[Mapping[str, str]] = {
    "alias": "Aliases and groups",
    "apppassword": "App passwords",
    "attachments": "Policies: attached files",
    "audit": "The audit log",
    "backup": "Backups",
    "delegation": "Sending for others",
    "dkim": "DKIM keys",
    "domain": "Domains",
    "factor": "Second factors",
    "forward": "Forwards",
    "limit": "Limits of sending",
    "organization": "Organisations",
    "password": "Links for new passwords",
    "quarantine": "Quarantine",
    "queue": "The queue",
    "recovery": "Recovery addresses",
    "role": "Roles",
    "session": "Sessions",
    "share": "Shared mailboxes",
    "spam": "Policies: spam",
    "tlspolicy": "Policies: encryption",
    "token": "Access tokens",
    "transport": "Transports",
    "user": "Users",
    "vacation": "Absence replies",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """As people wrote it; "" asks for anything.

    Args:
        text: part of a person, an object or an address.
        actor, subject: part of who did it, and of what it was done to.
        action: an action, or what all of some sort begin with: `user.`.
        since, until: days, as 2026-01-31; both are in it.
    """

    text: str = ""
    actor: str = ""
    action: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Asked":
        """Read what came in an address: anything."""

        def taken(name: str) -> str:
            return typed(values, name, MAX_TEXT)

        return cls(**{name: taken(name) for name in _FIELDS})

    @property
    def is_narrow(self) -> bool:
        """Whether a filter is set."""
        return any(getattr(self, name) for name in _FIELDS)

    @property
    def errors(self) -> dict[str, str]:
        """What of it is no day."""
        wrong = {
            name: "A day, such as 2026-01-31."
            for name in ("since", "until")
            if getattr(self, name) and _day(getattr(self, name)) is None
        }
        if not wrong and self.since and self.until and self.since > self.until:
            wrong["until"] = "The last day is before the first one."
        return wrong

    @property
    def wanted(self) -> Wanted:
        """As the log is asked; a day that is none asks for anything."""
        since, until = _day(self.since), _day(self.until)
        return Wanted(
            text=self.text,
            actor=self.actor,
            action=self.action,
            subject=self.subject,
            since=since,
            until=None if until is None else until + timedelta(days=1),
        )

    def query(self, **more: str) -> str:
        """As it stands behind the `?`."""
        query = QueryDict(mutable=True)
        values = {name: getattr(self, name) for name in _FIELDS} | more
        query.update({name: value for name, value in values.items() if value})
        return query.urlencode() or "text="


def _day(text: str) -> datetime | None:
    """The beginning of a day in UTC; years of which there is a next day."""
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-01-31") else None
    except ValueError:
        return None
    if day is None or not 1970 <= day.year < 9999:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def sorts(chosen: str) -> list[tuple[str, str]]:
    """What may be chosen: the beginning of actions, and what these are called."""
    nouns = sorted({action.partition(".")[0] for action in SENTENCES})
    found = [(f"{noun}.", _NOUNS.get(noun, noun.capitalize())) for noun in nouns]
    found.sort(key=lambda pair: pair[1])
    known = {value for value, _ in found}
    return [(chosen, chosen), *found] if chosen and chosen not in known else found
