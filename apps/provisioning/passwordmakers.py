"""Who else may know a user's password: whoever made the account, or gave the password that holds.

A temporary password, an invitation that was sent somewhere, a password in a file: until the user
has chosen one, who gave it can be the user. The audit log knows who that was.
"""

from typing import Final

from apps.audit.models import AuditRecord
from apps.directory.models import User

_GIVING: Final = ("user.add", "user.invite", "user.password")


def maker_of(user: User) -> User | None:
    """Who gave the password that holds now; None if its user did, or this machine; one statement,
    two if there is one."""
    given = AuditRecord.objects.filter(user_id=user.pk, action__in=_GIVING).order_by("-pk")
    kind, actor_id = given.values_list("actor_kind", "actor_id").first() or ("", None)
    if kind != "user" or actor_id is None or actor_id == user.pk:
        return None
    return User.objects.filter(pk=actor_id).first()
