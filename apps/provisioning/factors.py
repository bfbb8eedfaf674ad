"""Second factors, and the letters about them: each act and its letter are one transaction."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts.services import authenticators, factors, passkeys, recoverycodes
from apps.accounts.services.standing import refuse_if_changed
from apps.accounts.sites import Site
from apps.directory.models import User
from apps.provisioning.notices import tell
from apps.provisioning.noticewords import About


def confirm_authenticator(*, user: User, code: str, client: str = "") -> list[str]:
    """Finish the set-up of an app; return new recovery codes, if there were none.

    Raises:
        NotFound, AuthenticationFailed, SealBrokenError
    """
    with transaction.atomic():
        refuse_if_changed(user)
        codes = authenticators.confirm(user=user, code=code)
        tell(user, About.FACTOR_ADDED, detail=authenticators.NAME, client=client)
    return codes


def remove_authenticator(*, user: User, client: str = "") -> None:
    """Take the app away.

    Raises:
        NotFound, InUse
    """
    with transaction.atomic():
        authenticators.remove(user=user)
        tell(user, About.FACTOR_REMOVED, detail=authenticators.NAME, client=client)


def add_passkey(
    *,
    user: User,
    site: Site,
    question: passkeys.Question,
    answer: Mapping[str, Any],
    name: str,
    client: str = "",
) -> None:
    """Finish the registration of a passkey.

    Raises:
        AuthenticationFailed, InvalidName, LimitReached, AlreadyExists, NotFound
    """
    with transaction.atomic():
        refuse_if_changed(user)
        row = passkeys.register(
            user=user,
            site=site,
            question=question,
            answer=answer,
            name=name,
        )
        tell(user, About.FACTOR_ADDED, detail=row.name, client=client)


def remove_passkey(*, user: User, passkey_id: int, client: str = "") -> None:
    """Take a passkey away.

    Raises:
        NotFound, InUse
    """
    with transaction.atomic():
        name = passkeys.remove(user=user, passkey_id=passkey_id)
        tell(user, About.FACTOR_REMOVED, detail=name, client=client)


def renew_codes(*, user: User) -> list[str]:
    """Make new recovery codes; the old ones end.

    Raises:
        NotFound
    """
    return recoverycodes.make(user=user)


def reset(*, user: User) -> int:
    """Take all factors of a user away, as an administrator; return how many there were.

    Raises:
        NotFound
    """
    with transaction.atomic():
        gone = factors.reset(user=user)
        tell(user, About.FACTORS_RESET)
    return gone
