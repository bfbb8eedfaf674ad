"""The write door of allow and block lists."""

from dataclasses import dataclass
from typing import Final

from django.db import transaction

from apps.audit.services import record
from apps.runtime.clock import now
from apps.scan import entries
from apps.scan.models import ListEntry, Verb
from apps.scan.scopes import Scope
from apps.scan.subjects import of_scope
from apps.wire.errors import LimitReached, NotFound

MOST_OF_SERVER: Final = 50_000
MOST_OF_DOMAIN: Final = 10_000
MOST_OF_USER: Final = 1_000
"""Entries of one scope. Each message asks for what it meets, so that many cost nothing; the bounds
are for those whom others let fill a list."""
NOTE_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Added:
    """An entry that stands now.

    Args:
        replaced: what the same sender was there before: allow or block; None if it was in no list.
        at: since when it stands, in Unix seconds.
    """

    verb: Verb
    value: str
    replaced: Verb | None
    at: int = 0


def add(verb: Verb, text: str, scope: Scope, *, note: str = "") -> Added:
    """Allow or block a sender: an address, a domain with all below it, or a client's network.

    What was said of the same sender before is replaced: the last word counts.

    Raises:
        InvalidName: it is none of these.
        LimitReached: the list is full.
    """
    with transaction.atomic():
        added = _put(verb, text, scope, note)
        detail = {verb.value: added.value, "before": added.replaced or "nothing"}
        record("spam.list", **of_scope(scope), detail=detail)
    return added


def _put(verb: Verb, text: str, scope: Scope, note: str) -> Added:
    named = entries.read(text)
    key = entries.key_of_entry(scope, named.value)
    at = now()
    with transaction.atomic():
        known = ListEntry.objects.filter(key=key).first()
        if known is None and _count(scope) >= _most(scope):
            raise LimitReached(text=f"The list is full: it has {_most(scope)} entries")
        # An upsert: two who say something of one sender at once are no error.
        ListEntry.objects.bulk_create(
            [
                ListEntry(
                    key=key,
                    domain_id=scope.domain_id,
                    user_id=scope.user_id,
                    verb=verb,
                    kind=named.kind,
                    value=named.value,
                    bits=named.bits,
                    note=note[:NOTE_LENGTH].replace("\0", ""),
                    created_at=at,
                )
            ],
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=["verb", "note", "created_at"],
        )
    return Added(verb, named.value, None if known is None else Verb(known.verb), at)


def blocked(text: str, scope: Scope) -> Added | None:
    """What stands in the list, if a sender is blocked there already. Raises InvalidName."""
    value = entries.read(text).value
    key = entries.key_of_entry(scope, value)
    known = ListEntry.objects.filter(key=key, verb=Verb.BLOCK).first()
    return None if known is None else Added(Verb.BLOCK, value, Verb.BLOCK, known.created_at)


def block_sender(user_id: int, address: str, *, note: str = "") -> Added:
    """Block an address for one user; as often as one likes.

    Raises:
        InvalidName, LimitReached
    """
    return _put(Verb.BLOCK, address, Scope(user_id=user_id), note)


def remove(text: str, scope: Scope) -> Added:
    """Say no more of a sender; return what was said.

    Raises:
        InvalidName
        NotFound: it is in no list of that scope.
    """
    named = entries.read(text)
    with transaction.atomic():
        known = ListEntry.objects.filter(key=entries.key_of_entry(scope, named.value)).first()
        if known is None:
            raise NotFound(text=f"{named.value} is not in that list")
        known.delete()
        record("spam.list", **of_scope(scope), detail={"removed": named.value, "was": known.verb})
    return Added(Verb(known.verb), named.value, None)


def take_back(added: Added, scope: Scope) -> bool:
    """Say of a sender what was said before `add`; whether that was done. What somebody has said of
    them since stays."""
    key = entries.key_of_entry(scope, added.value)
    with transaction.atomic():
        mine = ListEntry.objects.filter(key=key, verb=added.verb, created_at=added.at)
        if added.replaced is None:
            is_done = mine.delete()[0] > 0
        else:
            is_done = mine.update(verb=added.replaced, created_at=now()) > 0
        if is_done:
            detail = {"undone": added.value, "before": added.replaced or "nothing"}
            record("spam.list", **of_scope(scope), detail=detail)
    return is_done


def _count(scope: Scope) -> int:
    return ListEntry.objects.filter(domain=scope.domain_id, user=scope.user_id).count()


def _most(scope: Scope) -> int:
    if scope.user_id is not None:
        return MOST_OF_USER
    return MOST_OF_SERVER if scope.domain_id is None else MOST_OF_DOMAIN
