"""Somebody has shown all that a sign-in asks for: whoever is to know it learns of it."""

from apps.directory import throttle
from apps.directory.history import is_new_place
from apps.directory.models import Means, Outcome, User
from apps.directory.services import history
from apps.provisioning.notices import About, tell


def arrived(
    user: User, *, door: str, means: Means, address: str, client: str = "", via: str = ""
) -> None:
    """Let the history, the throttle and, from a place that is new, the user know.

    Args:
        door: web or api.
        address: the client's IP address.
        client: what it calls itself.
        via: the address of whoever signs in as the user.
    """
    if is_new_place(user.pk, address):
        tell(user, About.NEW_PLACE, address=address, by=user.address, client=client)
    throttle.welcome(user.key, address)
    history.note(
        user_id=user.pk,
        outcome=Outcome.OK,
        door=door,
        means=means,
        via=via,
        address=address,
        client=client,
    )
