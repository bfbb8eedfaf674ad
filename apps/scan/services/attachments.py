"""The write door of attachment policies."""

import re
from typing import Final

from django.db import transaction

from apps.audit.services import record
from apps.directory.models import Domain
from apps.scan.attachments.policy import ACTIONS, VALUES, What
from apps.scan.models import AttachmentPolicy
from apps.scan.subjects import of_domain_or_server
from apps.wire.errors import InvalidName, LimitReached, NotFound

MOST: Final = 1_000
"""Entries of one domain: all of them are read for a message with files."""
_ENDING: Final = re.compile(r"[^.\s/\\:*?\"<>|]{1,24}")
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")


def set_entry(what: What, value: str, action: str, *, domain: Domain | None) -> str:
    """Say what is done with files of one sort; what was said before is replaced.

    Args:
        value: an ending with or without its dot, a Content-Type, a kind, a group, a condition.
        domain: None for the server.

    Returns:
        The value as it is kept.

    Raises:
        InvalidName: there is no such value or action.
        LimitReached: the domain has too many entries.
    """
    kept = _read(what, value)
    if action not in ACTIONS:
        raise InvalidName(text=f"An action is one of {', '.join(ACTIONS)}")
    with transaction.atomic():
        record("attachments.set", **of_domain_or_server(domain), detail=_told(what, kept, action))
        own = AttachmentPolicy.objects.select_for_update().filter(domain=domain)
        if own.filter(what=what, value=kept).update(action=action):
            return kept
        if own.count() >= MOST:
            raise LimitReached(text=f"There are {MOST} entries already")
        AttachmentPolicy.objects.bulk_create(
            [AttachmentPolicy(domain=domain, what=what, value=kept, action=action)],
            ignore_conflicts=True,
        )
        # Somebody else may have said it at the same time: the last word counts.
        own.filter(what=what, value=kept).update(action=action)
    return kept


def remove_entry(what: What, value: str, *, domain: Domain | None) -> str:
    """Take an entry back: what is above it counts again.

    Raises:
        InvalidName: there is no such value.
        NotFound: there is no such entry.
    """
    kept = _read(what, value)
    rows = AttachmentPolicy.objects.filter(domain=domain, what=what, value=kept)
    with transaction.atomic():
        if not rows.delete()[0]:
            raise NotFound(text=f"There is no entry {what} {kept}")
        record("attachments.unset", **of_domain_or_server(domain), detail=_told(what, kept))
    return kept


def _told(what: What, value: str, action: str = "") -> dict[str, str]:
    return {"what": what.value, "value": value} | ({"action": action} if action else {})


def _read(what: What, value: str) -> str:
    text = value.strip().lower()
    if what is What.ENDING:
        text = text.removeprefix(".")
        known = bool(_ENDING.fullmatch(text))
    elif what is What.TYPE:
        known = bool(_TYPE.fullmatch(text)) and len(text) <= 100
    else:
        known = text in VALUES[what]
    if not known:
        expected = f"; it is one of {', '.join(sorted(VALUES[what]))}" if what in VALUES else ""
        raise InvalidName(text=f"{value!r} is no {what}{expected}")
    return text
