"""The sign-ins of a user: the only door through which they are noted and forgotten."""

from apps.directory.models import Means, Outcome


def note(
    *,
    user_id: int,
    outcome: Outcome,
    door: str,
    means: Means,
    via: str = "",
    address: str = "",
    client: str = "",
) -> None:
    """Note a sign-in, or one that failed, of somebody who exists. Raises nothing.

    Args:
        via: the name of the app password or token, or the address of whoever acts as the user.
        address: the client's IP address.
        client: what it calls itself.
    """
