"""What administrators do to the passwords of users' programs and devices: they take them back, and
never make any. The user is told."""

from django.db import transaction

from apps.directory.models import AccessToken, ApiToken, AppPassword, User
from apps.directory.permissions import Ability, Powers
from apps.directory.services import apitokens, apppasswords, tokens
from apps.provisioning.administration.sight import demand_on, find_user
from apps.provisioning.notices import About, tell
from apps.wire.errors import NotFound


def revoke_app_password(*, powers: Powers, user_id: int, app_password_id: int) -> str:
    """Revoke an app password of this user; return its name.

    Raises:
        NotFound: also for one that is another user's.
        NotPermitted
    """
    user = _owner(powers, user_id)
    name = _name(AppPassword.objects.filter(user=user, pk=app_password_id).first())
    with transaction.atomic():
        apppasswords.revoke(user=user, name=name)
        tell(user, About.APP_PASSWORD_TAKEN, detail=name)
    return name


def revoke_token(*, powers: Powers, user_id: int, token_id: int) -> str:
    """Revoke an access token of this user; return its name.

    Raises:
        NotFound: also for one that is another user's.
        NotPermitted
    """
    user = _owner(powers, user_id)
    name = _name(AccessToken.objects.filter(user=user, pk=token_id).first())
    with transaction.atomic():
        tokens.revoke(user=user, name=name)
        tell(user, About.APP_PASSWORD_TAKEN, detail=name)
    return name


def revoke_api_token(*, powers: Powers, user_id: int, token_id: int) -> str:
    """Revoke an API token of this user; return its name.

    Raises:
        NotFound: also for one that is another user's.
        NotPermitted
    """
    user = _owner(powers, user_id)
    name = _name(ApiToken.objects.filter(user=user, pk=token_id).first())
    with transaction.atomic():
        apitokens.revoke(user=user, name=name)
        tell(user, About.API_TOKEN_TAKEN, detail=name)
    return name


def _owner(powers: Powers, user_id: int) -> User:
    user = find_user(powers, user_id)
    demand_on(powers, Ability.END_SESSIONS, user)
    return user


def _name(row: AppPassword | AccessToken | ApiToken | None) -> str:
    if row is None:
        raise NotFound("credential", text="There is no such password any more")
    return row.name
