"""Getting back in: a link to the recovery address, or one that an administrator hands over.

Nobody learns from it who exists. The page notes what was typed, the same for everybody; the worker
looks later whose it is, and writes to the recovery address if there is one. A link sets a new
password and no more: a second factor is asked for at the next sign-in as ever.
"""

import logging
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from apps.accounts.services import sessions
from apps.audit.services import record
from apps.delivery import ownletters
from apps.directory import passwords, subjects
from apps.directory.authentication import account_of, login_key
from apps.directory.models import Domain, Kind, User
from apps.directory.services import accountlinks, users
from apps.directory.services.accountlinks import INVITE, RESET, Link
from apps.events import bell
from apps.mime.address import Address
from apps.provisioning import notices
from apps.provisioning.notices import About, wrapped
from apps.ui.addresses import absolute
from apps.wire.errors import InUse, MailError, NotFound

logger = logging.getLogger(__name__)

LETTERS_AN_HOUR: Final = 3
LIFETIME: Final[timedelta] = accountlinks.LIFETIMES[RESET]
_PURPOSES: Final = (RESET, INVITE)  # of links that open the page of a new password


def wish(typed: str) -> None:
    """Note that somebody wants a link for an address; what follows depends on nothing here."""
    accountlinks.wish(login_key(typed[:320]) or "")
    transaction.on_commit(bell.ring_recovery)


def answer_wishes() -> int:
    """Write the letters that were wished for, for those who can have one; return how many."""
    sent = 0
    for wish_id, key in accountlinks.wishes():
        try:
            sent += _answer(wish_id, key)
        except Exception:
            # One that cannot be answered must not stop the others.
            logger.exception("a wish for a new password cannot be answered")
    return sent


@transaction.atomic
def _answer(wish_id: int, key: str) -> bool:
    if not accountlinks.grant(wish_id):
        return False
    user = User.objects.select_related("domain").filter(key=key).first()
    if user is None or not _may_reset(user) or not user.recovery_confirmed_at:
        return False
    recipients = ownletters.anybody(user.recovery_address)
    if not recipients or _has_changed_hands(user):
        return False
    try:
        with transaction.atomic():
            address = user.recovery_address
            token = accountlinks.make(
                user=user, purpose=RESET, address=address, most=LETTERS_AN_HOUR
            )
            link = absolute("login-reset", token)
    except MailError as error:
        logger.warning("no link for a new password", extra={"user": user.pk, "why": error.detail})
        return False
    account = Address.parse(user.address).display
    notices.send(
        Address.parse(address),
        recipients,
        domain=notices.domain_of(user),
        subject=f"A new password for {account}",
        text=_letter(account, link),
    )
    return True


def _has_changed_hands(user: User) -> bool:
    """Whether the domain of a recovery address was hosted here, for another organisation, after the
    address was proved: then somebody else may read it."""
    name = Address.parse(user.recovery_address).domain
    since = Domain.objects.filter(name=name, created_at__gt=user.recovery_confirmed_at)
    if user.domain is not None:
        since = since.exclude(organization=user.domain.organization_id)
    return since.exists()


def _letter(account: str, link: str) -> str:
    lines = [
        *wrapped(
            f"Somebody, you we hope, has forgotten the password of {account}. With this link you"
            " set a new one:"
        ),
        "",
        link,
        "",
        *wrapped(
            "It works once, for an hour; a newer one ends it. If you use a second step to sign in,"
            " you are asked for it as ever. If it was not you, you need do nothing: nobody else"
            " has this link, and the old password goes on working."
        ),
        "",
        f"The mail service at {settings.MAIL_HOSTNAME}",
    ]
    return "\n".join(lines)


def make_reset_link(user: User) -> str:
    """A link by which a person sets a new password: for an administrator to hand over.

    Returns the whole address, which works once, for an hour.

    Raises:
        NotFound: the user was removed, or the web is off.
        InUse: nobody may sign in as this user.
    """
    if not _may_reset(user):
        raise InUse("no sign-in", text=f"Nobody may sign in as {user.address}")
    with transaction.atomic():
        link = absolute("login-reset", accountlinks.make(user=user, purpose=RESET))
        record("password.link", **subjects.of_user(user))
    return link


def find(token: str) -> User:
    """Whose password a link sets; raise NotFound if it does not work (any more)."""
    return _usable(accountlinks.find(token, *_PURPOSES)).user


def reset(token: str, password: str) -> User:
    """Set a new password by a link; every session of the old one ends.

    Raises:
        NotFound: the link does not work (any more).
        InvalidName: no password can look like that.
        InUse: an app password was made meanwhile.
    """
    user = find(token)  # before a stranger makes us hash
    secrets = passwords.seal(password, users.next_basis(user.pk))
    with transaction.atomic():
        user = _usable(accountlinks.take(token, *_PURPOSES)).user
        users.set_secrets(user_id=user.pk, secrets=secrets)
        sessions.end_all(user_id=user.pk)
        notices.tell(user, About.PASSWORD_RECOVERED)
    return user


def _usable(link: Link) -> Link:
    if not _may_reset(link.user):
        raise NotFound("reset link", text="This link does not work any more")
    return link


def _may_reset(user: User) -> bool:
    """Whether a new password would open anything: the state of domain and organisation counts."""
    account = account_of(user.key)
    return account is not None and account.kind == Kind.PERSON and not account.is_suspended
