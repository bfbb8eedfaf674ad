"""Every type of event there is, and what it says. Programs know them by name: none changes."""

from typing import Final

TEST: Final = "webhook.test"
RECEIVED: Final = "message.received"
SENT: Final = "message.sent"
DELIVERED: Final = "message.delivered"
DEFERRED: Final = "message.deferred"
BOUNCED: Final = "message.bounced"
QUARANTINED: Final = "message.quarantined"
ACCEPTED: Final = "sign_in.accepted"
REFUSED: Final = "sign_in.refused"
FULL: Final = "quota.reached"

# By the action of the audit log.
ACTS: Final = {
    "user.add": "user.created",
    "user.change": "user.changed",
    "user.rename": "user.renamed",
    "user.password": "user.password_changed",
    "user.lock": "user.locked",
    "user.suspend": "user.suspended",
    "user.resume": "user.resumed",
    "user.remove": "user.removed",
    "user.restore": "user.restored",
    "user.purge": "user.purged",
    "alias.add": "alias.created",
    "alias.change": "alias.changed",
    "alias.suspend": "alias.suspended",
    "alias.resume": "alias.resumed",
    "alias.remove": "alias.removed",
    "domain.add": "domain.created",
    "domain.change": "domain.changed",
    "domain.rename": "domain.renamed",
    "domain.lock": "domain.locked",
    "domain.suspend": "domain.suspended",
    "domain.resume": "domain.resumed",
    "domain.remove": "domain.removed",
}
_OF_ACTS: Final = {
    "user.created": "a user was added",
    "user.changed": "a user was changed",
    "user.renamed": "a user got another address",
    "user.password_changed": "a user has another password",
    "user.locked": "a user can no longer sign in",
    "user.suspended": "a user was suspended",
    "user.resumed": "a user works again",
    "user.removed": "a user was removed",
    "user.restored": "a removed user was brought back",
    "user.purged": "a removed user is gone for good",
    "alias.created": "an alias or a group was added",
    "alias.changed": "an alias or a group has other targets",
    "alias.suspended": "an alias was suspended",
    "alias.resumed": "an alias works again",
    "alias.removed": "an alias or a group was removed",
    "domain.created": "a domain was added",
    "domain.changed": "a domain was changed",
    "domain.renamed": "a domain got another name",
    "domain.locked": "nobody of a domain can sign in",
    "domain.suspended": "a domain was suspended",
    "domain.resumed": "a domain works again",
    "domain.removed": "a domain was removed",
}
KINDS: Final = {
    RECEIVED: "mail for somebody here was accepted",
    SENT: "somebody here handed in mail",
    DELIVERED: "mail is in a mailbox here, or another server has taken it",
    DEFERRED: "mail could not be delivered yet, and is tried again",
    BOUNCED: "mail could not be delivered for good",
    QUARANTINED: "mail is held back",
    ACCEPTED: "somebody got in: the first of alike sign-ins within an hour",
    REFUSED: "somebody did not get in: the first of alike ones within an hour",
    FULL: "a mailbox is 80, 95 or 100 % full",
    **_OF_ACTS,
}
# Whoever wants all of a group writes its name.
GROUPS: Final = tuple(dict.fromkeys(one.partition(".")[0] for one in KINDS))


def fits(wanted: frozenset[str], kind: str) -> bool:
    """Whether a type is among those wanted: by its own name, by its group's, or of all if none is
    named. A test is for whoever asked for it."""
    return not wanted or kind in wanted or kind.partition(".")[0] in wanted
