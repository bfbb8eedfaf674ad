"""What administrators do to the members of shared mailboxes.

A member reads mail, and no role reads others' mail (`READ_MAIL`): an administrator who makes
oneself a member does. It is allowed nevertheless, for shared mailboxes alone. Somebody has to say
who is in the team when no member is left who could, and whoever may say where mail for the team's
address goes (`CHANGE_ALIASES`) can have all that comes from now on anyway; so the same roles do it,
and a helpdesk does not. Nothing of it is secret: each change is in the audit log with its author,
in the list of members, and in the mailbox's own rights, which its members see in their mail
programs. A person's mailbox is shared by that person alone: here it is not there.
"""

from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from apps.directory import permissions
from apps.directory.models import Delegation, Kind, User
from apps.directory.permissions import Ability, Powers
from apps.directory.services import delegations
from apps.directory.services.names import POSTMASTER
from apps.mailstore.origin import Origin
from apps.mailstore.services.sharing import ANYONE
from apps.provisioning import sharing
from apps.provisioning.administration.sight import demand_on, find_addressed
from apps.wire.errors import InvalidName, NotFound

NOTHING: Final = "none"  # a level: sends, and does not read
LEVELS: Final = (*sharing.LEVELS, NOTHING)


def in_sight(powers: Powers) -> QuerySet[User]:
    """The shared mailboxes in sight but the box for postmaster's mail that each domain has of
    itself."""
    found = permissions.users(powers).filter(kind=Kind.SHARED)
    return found.exclude(key__startswith=f"{POSTMASTER}@")


def find_shared(powers: Powers, user_id: int) -> User:
    """A shared mailbox in sight; raise NotFound."""
    rows = permissions.users(powers).select_related("domain__organization")
    found = rows.filter(kind=Kind.SHARED, pk=user_id).first()
    if found is None:
        raise NotFound(f"shared mailbox {user_id}", text="There is no such shared mailbox")
    return found


@transaction.atomic
def set_member(
    *,
    powers: Powers,
    user_id: int,
    member: str,
    level: str,
    send_as: bool = False,
    send_on_behalf: bool = False,
) -> User:
    """Let a person in sight do exactly this in all folders that a shared mailbox has now, and in
    its name.

    Args:
        member: the person's address.
        level: one of LEVELS.

    Raises:
        NotFound, NotPermitted, InvalidAddress, InvalidName, LimitReached
    """
    box = _box(powers, user_id)
    if level not in LEVELS:
        raise InvalidName(repr(level[:40]), text="Say what the member may do")
    if level == NOTHING and not (send_as or send_on_behalf):
        raise InvalidName("nothing", text="A member reads, or sends, or both")
    person = find_addressed(powers, member)
    if person.kind != Kind.PERSON:
        raise InvalidName("kind", text="Only a person can be a member")
    origin = Origin("web", powers.user_id)
    if level == NOTHING:
        sharing.revoke(box.address, person.address, None, origin=origin)
    else:
        sharing.grant(box.address, person.address, sharing.LEVELS[level], None, origin=origin)
    if send_as or send_on_behalf:
        delegations.grant(
            owner=box, delegate=person, send_as=send_as, send_on_behalf=send_on_behalf
        )
    else:
        _end_delegation(box, person)
    return person


@transaction.atomic
def remove_member(*, powers: Powers, user_id: int, member_id: int | None) -> None:
    """Take everything back that somebody may do in a shared mailbox, or in its name.

    Args:
        member_id: None for what anyone of the organisation may do.

    Raises:
        NotFound, NotPermitted
    """
    box = _box(powers, user_id)
    origin = Origin("web", powers.user_id)
    if member_id is None:
        if not sharing.revoke(box.address, ANYONE, None, origin=origin):
            raise NotFound("anyone", text="It is not shared with everybody any more")
        return
    # Out of one's sight perhaps; a member that is not in the list is not looked at further.
    person = User.objects.living().select_related("domain").filter(pk=member_id).first()
    is_member = person is not None and (
        Delegation.objects.filter(owner=box, delegate=person).exists()
        or any(sharing.rows(owner=box, user=person.address))
    )
    if person is None or not is_member:
        raise NotFound(f"member {member_id}", text="That member is not there any more")
    sharing.revoke(box.address, person.address, None, origin=origin)
    _end_delegation(box, person)


def _box(powers: Powers, user_id: int) -> User:
    box = find_shared(powers, user_id)
    demand_on(powers, Ability.CHANGE_ALIASES, box)
    return box


def _end_delegation(box: User, person: User) -> None:
    if Delegation.objects.filter(owner=box, delegate=person).exists():
        delegations.revoke(owner=box, delegate=person)
