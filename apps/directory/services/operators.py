"""An installation must not lock itself out: the setup link makes the first operator only."""

from django.db.models import Q

from apps.directory.models import Role, RoleGrant, State, UserState
from apps.wire.errors import InUse


def keep_one(leaving: Q) -> None:
    """Make sure, within the caller's transaction, that an operator who can sign in remains. All
    operators' grants are locked, so that of two who go at once one stays.

    Args:
        leaving: grants that end, or whose holders will not sign in any more.

    Raises:
        InUse: there would be none; not if there is none already.
    """
    operators = RoleGrant.objects.filter(role=Role.OPERATOR)
    locked = set(operators.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
    if not locked or not operators.filter(leaving).exists():
        return
    awake = operators.filter(
        Q(user__domain=None)
        | Q(user__domain__state=State.ACTIVE, user__domain__organization__state=State.ACTIVE),
        user__state=UserState.ACTIVE,
    )
    if not awake.exclude(leaving).exists():
        raise InUse("last operator", text="Nobody who runs this installation would be left")
