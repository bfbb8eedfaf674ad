"""Programs that people let in by a page of ours (OAuth 2.0): the user is told of each."""

from django.db import transaction

from apps.directory.models import User
from apps.directory.oauth import KnownClient
from apps.directory.services import oauth
from apps.provisioning.notices import About, tell


def let_in(
    user: User,
    *,
    client: KnownClient,
    redirect: str,
    challenge: str,
    scopes: tuple[str, ...],
    browser: str = "",
) -> str:
    """The user has agreed: the code that the browser brings back to the program.

    Args:
        browser: its User-Agent.
    """
    with transaction.atomic():
        code = oauth.let_in(
            user=user, client=client, redirect=redirect, challenge=challenge, scopes=scopes
        )
        tell(user, About.PROGRAM_LET_IN, detail=client.name, client=browser)
    return code
