"""What administrators do to what a user may send: who sets an organisation's limits sets it.

A tenant that could raise them would decide how much of what goes wrong there others have to bear.
"""

from collections.abc import Mapping

from apps.directory.models import SendLimit
from apps.directory.permissions import Ability, Powers
from apps.directory.services import limits
from apps.provisioning.administration.sight import demand_on, find_user


def set_user(*, powers: Powers, user_id: int, changes: Mapping[str, int | None]) -> SendLimit:
    """Set how much a user may send; None goes back to the setting.

    Raises:
        NotFound, NotPermitted, InvalidName
    """
    user = find_user(powers, user_id)
    demand_on(powers, Ability.SET_LIMITS, user)
    return limits.set_limits(user=user, changes=changes)
