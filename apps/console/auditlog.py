"""What somebody asks the audit log for, as it stands in an address of the console."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from apps.audit import queries
from apps.audit.queries import Row, Wanted
from apps.audit.words import SENTENCES
from apps.console.filters import PeriodFilter
from apps.console.paging import Page, next_link
from apps.directory.permissions import Powers, audit_scope
from apps.wire.numbers import whole_number

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
class Asked(PeriodFilter):
    """As people wrote it.

    Args:
        text: part of a person, an object or an address.
        actor, subject: part of who did it, and of what it was done to.
        action: an action, or what all of some sort begin with: `user.`.
    """

    PLACE: ClassVar[str] = "before"

    actor: str = ""
    action: str = ""
    subject: str = ""

    @property
    def wanted(self) -> Wanted:
        """As the log is asked; a day that is none asks for anything."""
        since, until = self.period
        return Wanted(
            text=self.text,
            actor=self.actor,
            action=self.action,
            subject=self.subject,
            since=since,
            until=until,
        )


@dataclass(frozen=True, slots=True)
class Acts(Page[Row]):
    """Some acts.

    Args:
        looked_to: where the search for words has ended for now, if it has not seen everything.
        further_link: where it goes on.
    """

    looked_to: datetime | None = None
    further_link: str = ""


def acts(powers: Powers, asked: Asked) -> Acts:
    """A page of acts, newest first; none if what is asked for is wrong."""
    if asked.errors:
        return Acts([])
    before = whole_number(asked.after)
    found = queries.page(asked.wanted, scope=audit_scope(powers), before=before)
    older = next_link(asked, str(found.after or ""))
    return Acts(
        found.rows,
        first_link="" if before is None else asked.link(),
        next_link="" if found.looked_to else older,
        looked_to=found.looked_to,
        further_link=older if found.looked_to else "",
    )


def sorts(chosen: str) -> list[tuple[str, str]]:
    """What may be chosen: the beginning of actions, and what these are called."""
    nouns = sorted({action.partition(".")[0] for action in SENTENCES})
    found = [(f"{noun}.", _NOUNS.get(noun, noun.capitalize())) for noun in nouns]
    found.sort(key=lambda pair: pair[1])
    known = {value for value, _ in found}
    return [(chosen, chosen), *found] if chosen and chosen not in known else found
