"""An administrator looks as a user, where the installation allows it (ACT_AS_USER).

The session of the administrator ends in this browser when that begins, and is not brought back when
it ends: while it shows a stranger's mail, the browser holds no key to the console. What is done in
it is recorded as the administrator's; the user sees it in the history, in the list of sessions, and
gets a letter.
"""

import logging
from typing import Final

from django.conf import settings
from django.contrib.auth import login
from django.db import transaction
from django.http import HttpRequest

from apps.accounts.sessions import SessionStore
from apps.audit.services import record
from apps.directory import permissions, subjects
from apps.directory.backends import MailhostBackend
from apps.directory.models import Kind, Means, Outcome, User
from apps.directory.permissions import Ability
from apps.directory.services import history
from apps.provisioning.notices import About, tell
from apps.wire.errors import InUse, NotFound, NotPermitted

log = logging.getLogger(__name__)

BACKEND: Final = "apps.directory.backends.MailhostBackend"
MAX_REASON: Final = 200  # characters
_VERSION: Final = "acting_version"


def may_begin(administrator: User, user: User) -> bool:
    """Whether the switch is on and the permission there; at most two statements."""
    return bool(settings.ACT_AS_USER) and permissions.may_act_on(
        permissions.powers_of(administrator), Ability.ACT_AS_USERS, user
    )


def begin(request: HttpRequest, administrator: User, user: User, *, reason: str = "") -> None:
    """Make this browser's session one in which the administrator is seen as the user.

    Args:
        user: with its domain (`select_related`).
        reason: the user is told.

    Raises:
        NotPermitted: it is switched off, or beyond the administrator's powers.
        NotFound: nobody reads mail there with a password of their own.
        InUse: the user is suspended or locked.
    """
    if not may_begin(administrator, user):
        raise NotPermitted("act as", text="You may not look as this user")
    if user.kind != Kind.PERSON:
        raise NotFound("no person", text="Only a person can be looked as")
    target = MailhostBackend().get_user(user.pk)
    if target is None:
        raise InUse("not active", text="This user is suspended: let it work again first")
    session = request.session
    assert isinstance(session, SessionStore)
    with transaction.atomic():
        reason = " ".join(reason.split())[:MAX_REASON]
        record("user.act_as", **subjects.of_user(target), detail={"reason": reason})
        tell(target, About.ACTED, detail=reason, by=administrator.address, client=session.client)
    history.note(
        user_id=target.pk,
        outcome=Outcome.OK,
        door="web",
        means=Means.ACTING,
        via=administrator.address,
        address=session.address,
        client=session.client,
    )
    log.info("acting begins", extra={"user": target.pk, "administrator": administrator.pk})
    session.flush()
    login(request, target, backend=BACKEND)
    session.signed_in(means=Means.ACTING, acting_id=administrator.pk)
    session[_VERSION] = administrator.credential_version


def is_acting(session: SessionStore) -> bool:
    """Whether a session is an administrator's who looks as a user."""
    # Data first: a look at it loads the row.
    return _VERSION in session and session.facts is not None and bool(session.facts.acting_id)


def administrator_of(session: SessionStore, user: User) -> User | None:
    """Who looks as the user in this session: None as soon as they may not any more."""
    if session.facts is None or session.facts.acting_id is None:
        return None
    administrator = MailhostBackend().get_user(session.facts.acting_id)
    if administrator is None or administrator.credential_version != session.get(_VERSION):
        return None
    return administrator if may_begin(administrator, user) else None


def note_mail(user: User, *, what: str, folder: str, uid: int) -> None:
    """Record that a message is opened or changed in such a session; the actor is the administrator.

    Args:
        what: which part of it is opened, or what is done to it.
    """
    detail = {"what": what, "folder": folder, "uid": uid}
    record("user.act_as_mail", **subjects.of_user(user), detail=detail)


def note_acts(user: User, *, what: str, folder: str, uids: str) -> None:
    """The same of many messages at once.

    Args:
        uids: a sequence-set, or "all"; cut, for the journal of the mailbox has all of them.
    """
    detail = {"what": what, "folder": folder, "uids": uids[:MAX_REASON]}
    record("user.act_as_mail", **subjects.of_user(user), detail=detail)


def end(session: SessionStore, user: User) -> None:
    """Sign this browser out. The act is the current actor's: the administrator's."""
    record("user.act_as_end", **subjects.of_user(user))
    session.flush()
