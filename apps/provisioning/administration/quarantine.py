"""What administrators do with mail that is kept from its readers.

A copy is in sight of whoever administers the domain of the address that it was sent to, with its
alias domains; what was sent to no domain of ours any more is an operator's. Each act, and each look
into a message, is recorded. Nobody looks into the mail of a user whose roles reach further than
their own: a letter with a link for a new password may lie there.
"""

from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from apps.audit.acting import current
from apps.delivery import digests as letters
from apps.directory import permissions
from apps.directory.models import Domain, User
from apps.directory.permissions import Ability, Powers
from apps.mailstore.origin import Origin
from apps.provisioning.administration.policies import scope_of
from apps.provisioning.administration.sight import demand_on_all
from apps.runtime.clock import now
from apps.runtime.db import is_sqlite
from apps.scan.digests import DAY_SECONDS, content
from apps.scan.models import Quarantined, QuarantineState, Verb
from apps.scan.services import copies, digests, lists
from apps.scan.services.lists import Added
from apps.wire.errors import NotFound

_DOORS: Final = {"web": "console"}  # as the copies name whose word it was
NAMED: Final = 100  # domains of one administrator that are asked for by their names


@dataclass(frozen=True, slots=True)
class Blocked:
    """A sender that was blocked for a domain, and how that was before."""

    domain_id: int
    domain: str
    added: Added


def in_sight(powers: Powers) -> QuerySet[Quarantined]:
    """The copies, kept or settled, that somebody may deal with."""
    if not powers.may(Ability.RUN_QUARANTINE):
        return Quarantined.objects.none()
    if powers.is_operator:
        return Quarantined.objects.all()
    names = permissions.domains(powers, Ability.RUN_QUARANTINE).values_list("name", flat=True)
    if not is_sqlite():
        return Quarantined.objects.filter(domain__in=names)
    # SQLite takes a subquery for most of the domains, and walks all rows for it; by their names it
    # sees how few they are. (Postgres, told the names of a large one, walks all rows for those.)
    few = list(names.order_by("name")[: NAMED + 1])
    return Quarantined.objects.filter(domain__in=few if len(few) <= NAMED else names)


def find(powers: Powers, number: int) -> Quarantined:
    """A copy in sight, also a settled one; raise NotFound."""
    row = in_sight(powers).filter(pk=number).first()
    if row is None:
        raise NotFound(f"quarantine {number}", text="There is no such message in quarantine")
    return row


def look(*, powers: Powers, number: int) -> Quarantined:
    """A copy that is to be looked into, which is recorded.

    Raises:
        NotFound, NotPermitted
    """
    row = _at_hand(powers, number)
    if row.state != QuarantineState.KEPT:
        raise NotFound(f"{number} is {row.state}", text=f"{copies.NOT_KEPT}: it was {row.state}")
    copies.note_look(row)
    return row


def release(
    *, powers: Powers, number: int, teaches: bool = True, even_harmful: bool = False
) -> None:
    """Let a copy go to its reader, for good.

    Args:
        teaches: the filter learns that it was wanted.
        even_harmful: also what can do harm.

    Raises:
        NotFound, NotPermitted
    """
    _at_hand(powers, number)
    copies.release_number(
        number, origin=_origin(powers), even_harmful=even_harmful, teaches=teaches
    )


def delete(*, powers: Powers, number: int) -> None:
    """Delete a copy; `restore` has it back for a while. Raises NotFound, NotPermitted."""
    _at_hand(powers, number)
    copies.delete_number(number, origin=_origin(powers), is_restorable=True)


def restore(*, powers: Powers, number: int) -> None:
    """Keep a copy again that was deleted a moment ago. Raises NotFound, NotPermitted."""
    _at_hand(powers, number)
    copies.restore_number(number, origin=_origin(powers))


def block(*, powers: Powers, number: int) -> Blocked:
    """Block the sender of a copy for all of its reader's domain, and delete it.

    Raises:
        NotFound: also if it names no sender, or only one of the own organisation.
        NotPermitted, LimitReached
    """
    row = _at_hand(powers, number)
    domain = _home(powers, row)
    scope = scope_of(powers, domain_id=domain.pk)
    added = copies.block_for(
        number, scope=scope, ours=domain.organization_id, origin=_origin(powers)
    )
    return Blocked(domain.pk, domain.name, added)


def unblock(*, powers: Powers, number: int, blocked: Blocked) -> None:
    """Take `block` back: the copy is kept again, and the list says what it said before, unless
    somebody has said something else of the sender since. Raises NotFound, NotPermitted."""
    _at_hand(powers, number)
    copies.restore_number(number, origin=_origin(powers), unlearns=True)
    if blocked.added.replaced is not Verb.BLOCK:
        lists.take_back(blocked.added, scope_of(powers, domain_id=blocked.domain_id))


def tell(*, powers: Powers, number: int) -> bool:
    """Send the reader of a copy the digest of today at once; whether there was anything to tell
    that had not been told.

    Raises:
        NotFound: also if nobody of ours is its reader.
        NotPermitted
    """
    row = _at_hand(powers, number)
    if row.user_id is None:
        raise NotFound(f"reader of {number}", text=f"{row.original} has no mailbox here")
    told = content(row.user_id)
    if told.is_empty or not letters.send(told, now() // DAY_SECONDS):
        return False
    digests.note_sent(row.user_id)
    return True


def _at_hand(powers: Powers, number: int) -> Quarantined:
    row = find(powers, number)
    if row.user_id is not None:
        demand_on_all(powers, User.objects.filter(pk=row.user_id))
    return row


def _home(powers: Powers, row: Quarantined) -> Domain:
    """The domain whose lists decide for the reader: the user's, if it is in sight; else that of the
    address, or the one that this stands for."""
    mine = permissions.domains(powers, Ability.CHANGE_POLICIES).select_related("alias_of")
    home = None
    if row.user_id is not None:
        home = mine.filter(users=row.user_id).first()
    home = home or mine.filter(name=row.domain).first()
    if home is None:
        raise NotFound(f"domain of {row.pk}", text="Its domain is not hosted here")
    return home.alias_of or home


def _origin(powers: Powers) -> Origin:
    door = current().door
    return Origin(_DOORS.get(door, door) or "console", powers.user_id)
