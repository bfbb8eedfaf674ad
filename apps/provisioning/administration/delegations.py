"""What administrators do to delegations: who writes in the name of whom.

Whoever may say where mail for an address goes (`CHANGE_ALIASES`) may also say who answers it, so
the same roles do, and a helpdesk does not. The owner's roles must not reach beyond those of who
acts: an administrator who writes as an operator would be believed. A person is told of each change.
"""

from django.db import transaction

from apps.directory.models import Delegation, Kind, User
from apps.directory.permissions import Ability, Powers
from apps.directory.services import delegations
from apps.provisioning.administration.sight import demand_on, find_addressed, find_user
from apps.provisioning.notices import About, tell
from apps.wire.errors import NotFound


@transaction.atomic
def grant(
    *, powers: Powers, owner_id: int, delegate: str, send_as: bool, send_on_behalf: bool
) -> Delegation:
    """Let a person in sight write as, or on behalf of, a user or shared mailbox in sight. A second
    grant replaces the first.

    Args:
        delegate: the address of the person.

    Raises:
        NotFound, NotPermitted, InvalidAddress, InvalidName
    """
    owner = _owner(powers, owner_id)
    person = find_addressed(powers, delegate)
    made = delegations.grant(
        owner=owner, delegate=person, send_as=send_as, send_on_behalf=send_on_behalf
    )
    _tell(owner, person)
    return made


@transaction.atomic
def revoke(*, powers: Powers, owner_id: int, delegate_id: int) -> User:
    """Take a delegation of an owner in sight back; return whose it was.

    Raises:
        NotFound, NotPermitted
    """
    owner = _owner(powers, owner_id)
    # The delegate may be out of sight by now: it stands in the owner's list nevertheless.
    rows = Delegation.objects.select_related("delegate").filter(owner=owner)
    found = rows.filter(delegate_id=delegate_id).first()
    if found is None:
        raise NotFound(f"delegate {delegate_id}", text="There is no such delegate any more")
    delegations.revoke(owner=owner, delegate=found.delegate)
    _tell(owner, found.delegate)
    return found.delegate


def _owner(powers: Powers, owner_id: int) -> User:
    owner = find_user(powers, owner_id)
    demand_on(powers, Ability.CHANGE_ALIASES, owner)
    return owner


def _tell(owner: User, delegate: User) -> None:
    if owner.kind == Kind.PERSON:
        tell(owner, About.DELEGATES_CHANGED, detail=delegate.address)
