"""What administrators do to folders that people have shared: they take back what somebody may do in
them, and let nobody read a person's mail: no role reads others' mail (`Ability.READ_MAIL`), so
nobody gives that out. The owner is told."""

from django.db import transaction

from apps.directory.models import Kind
from apps.directory.permissions import Ability, Powers
from apps.mailstore.origin import Origin
from apps.provisioning import sharing
from apps.provisioning.administration.sight import demand_on, find_user
from apps.provisioning.notices import About, tell
from apps.wire.errors import NotFound


def take_back(*, powers: Powers, owner_id: int, user: str) -> int:
    """Take all rights back that somebody has in a user's folders; return in how many there were.

    Args:
        user: an address, or "anyone".

    Raises:
        NotFound, NotPermitted, InvalidName
    """
    owner = find_user(powers, owner_id)
    demand_on(powers, Ability.CHANGE_ALIASES, owner)
    # Asked first: whether there is somebody of that address elsewhere is not told.
    named = {row.user.casefold() for row in sharing.rows(owner=owner)}
    if user.casefold() not in named:
        raise NotFound("share", text="Nothing is shared with them any more")
    with transaction.atomic():
        before = sharing.revoke(owner.key, user, None, origin=Origin("web", None))
        if owner.kind == Kind.PERSON and before:
            tell(owner, About.SHARE_ENDED, detail=before[0].user)
    return len(before)
