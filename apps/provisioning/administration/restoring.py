"""What administrators bring back of users' deleted mail: without seeing any of it.

They are told how much there is and since when; no subject, no sender, no name of a folder.
"""

from dataclasses import dataclass

from django.db import transaction

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Kind, User
from apps.directory.permissions import Ability, Powers
from apps.mailstore import removals
from apps.mailstore.origin import Origin
from apps.mailstore.services import undelete
from apps.mailstore.services.undelete import Outcome
from apps.provisioning.administration.sight import demand_on, find_user
from apps.provisioning.notices import About, tell


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted since a moment and can be brought back; `size` in bytes.

    Args:
        messages: of folders that are still there.
        folders: deleted ones, with all that is in them.
    """

    messages: int
    folders: int
    size: int

    def __bool__(self) -> bool:
        return bool(self.messages or self.folders)


def deleted(*, powers: Powers, user_id: int, since: int) -> Deleted:
    """How much can be brought back.

    Args:
        since: Unix seconds.

    Raises:
        NotFound, NotPermitted
    """
    found = removals.removed(_owner(powers, user_id).pk, since)
    size = found.size + sum(one.size for one in found.mailboxes)
    return Deleted(found.count, len(found.mailboxes), size)


def restore(*, powers: Powers, user_id: int, since: int) -> Outcome:
    """Bring back all that was deleted since then, by whomever, to where it was.

    Raises:
        NotFound, NotPermitted, LimitReached
        QuotaExceeded: the user has no room for all of it; nothing has changed, or part is back.
    """
    user = _owner(powers, user_id)
    # Before: it takes several transactions.
    record("restore.removed", **subjects.of_user(user), detail={"since": since})
    origin = Origin("console", powers.user_id)
    done = undelete.removed(user_id=user.pk, since=since, origin=origin, acts_as=user.pk)
    if user.kind == Kind.PERSON:
        with transaction.atomic():
            tell(user, About.MAIL_RESTORED, detail=str(done.messages))
    return done


def _owner(powers: Powers, user_id: int) -> User:
    user = find_user(powers, user_id)
    demand_on(powers, Ability.RESTORE_USERS, user)
    return user
