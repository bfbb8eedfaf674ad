"""What a person does with folders on the web: make, rename, move, delete, hide.

The mailboxes themselves are the mailstore's, which knows no pages: here its refusals become words
that tell a way out, and the rights of others' mailboxes are asked (RFC 4314 section 4).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.mailstore import queries
from apps.mailstore.namespaces import NAMESPACES
from apps.mailstore.origin import Origin
from apps.mailstore.services import mailboxes
from apps.mailstore.services.mailboxes import INBOX, LEVEL_MAX, SEPARATOR
from apps.webmail.folders import Folder, folders
from apps.webmail.services import looks
from apps.wire.errors import AlreadyExists, InUse, InvalidName, NotFound, NotPermitted

_RESERVED: Final = frozenset(one.casefold() for one in (INBOX, *NAMESPACES))


def create(*, user_id: int, name: str, inside: Folder | None = None, hue: int = 0) -> int:
    """Make a folder, in sight; returns its id.

    Args:
        inside: the folder it is made in, one's own or one of others with the right `k`.

    Raises:
        InvalidName, AlreadyExists, LimitReached, NotPermitted
    """
    owner_id = user_id if inside is None else inside.owner_id
    if inside is not None and not inside.may("k"):
        words = _("You may not make folders in “%(name)s”")
        raise NotPermitted(f"mailbox {inside.id}", text=words % {"name": inside.name})
    path = _path(name, inside)
    with _in_words(), transaction.atomic():
        made = mailboxes.create(user_id=owner_id, name=path, by_another=owner_id != user_id)
        if owner_id == user_id:
            _subscribe_rest(user_id, but=made.pk)
            mailboxes.subscribe(user_id=user_id, name=made.name)
        if hue:
            looks.colour(user_id=user_id, mailbox_id=made.pk, hue=hue)
    return made.pk


def move(*, user_id: int, folder: Folder, name: str, inside: Folder | None, origin: Origin) -> None:
    """Rename a folder of one's own, or put it into another one, with all below it.

    Raises:
        InvalidName, AlreadyExists, LimitReached, NotFound
        NotPermitted: it is another's, or has a role.
    """
    if folder.owner or folder.special_use:
        raise NotPermitted(f"mailbox {folder.id}", text=_("This folder keeps its name"))
    if inside is not None and (inside.owner or inside.id == folder.id):
        raise InvalidName("inside", text=_("A folder cannot be put there"))
    path = _path(name, inside, before=folder.path)
    if path == folder.path:
        return
    with _in_words():
        mailboxes.rename(user_id=user_id, name=folder.path, to=path, origin=origin)


def delete(*, folder: Folder, origin: Origin) -> None:
    """Delete a folder; it can be brought back for some days by its owner. What is in it below
    stays.

    Raises:
        InUse: it has a role.
        NotPermitted: it is another's, without the right `x`.
        NotFound
    """
    if folder.special_use:
        words = _("“%(name)s” is used by all programs, and cannot be deleted")
        raise InUse(f"mailbox {folder.id}", text=words % {"name": folder.name})
    if not folder.may("x"):
        words = _("You may not delete “%(name)s”")
        raise NotPermitted(f"mailbox {folder.id}", text=words % {"name": folder.name})
    with _in_words():
        mailboxes.delete(user_id=folder.owner_id, name=folder.path, origin=origin)


def show(*, user_id: int, folder: Folder) -> None:
    """Have a folder in sight, in mail programs too. Raises NotFound, LimitReached."""
    with _in_words(), transaction.atomic():
        if folder.owner:
            mailboxes.subscribe_shared(user_id=user_id, name=folder.subscription)
        else:
            _subscribe_rest(user_id, but=folder.id)
            mailboxes.subscribe(user_id=user_id, name=folder.path)
        looks.show(user_id=user_id, mailbox_id=folder.id)


def hide(*, user_id: int, folder: Folder) -> None:
    """Put a folder out of sight; its mail stays. Raises InUse: it has a role."""
    if folder.special_use and not folder.owner:
        words = _("“%(name)s” is always shown")
        raise InUse(f"mailbox {folder.id}", text=words % {"name": folder.name})
    with transaction.atomic():
        if not folder.owner:
            _subscribe_rest(user_id, but=folder.id)
        mailboxes.unsubscribe(user_id=user_id, name=folder.subscription)
        looks.hide(user_id=user_id, mailbox_id=folder.id)


def _subscribe_rest(user_id: int, *, but: int) -> None:
    """Subscribe to all other folders in sight, if there is no subscription yet: with the first one
    or the first that is hidden, the others would be out of sight (`folders.side`)."""
    names = set(queries.subscriptions(user_id))
    own = [one for one in folders(user_id) if not one.special_use and one.id != but]
    if names.isdisjoint(one.path for one in own):
        hidden = looks.hidden(user_id)
        seen = [one.path for one in own if one.id not in hidden]
        mailboxes.subscribe_all(user_id=user_id, names=seen)


def _path(name: str, inside: Folder | None, *, before: str = "") -> str:
    """The whole name. Raises InvalidName, in words.

    Args:
        before: the old one: it may end in several levels, where one between is no folder.
    """
    text = name.strip(" ")
    if not text:
        raise InvalidName("empty", text=_("Give the folder a name"))
    if SEPARATOR in text and not before.endswith(text):
        words = _("A name cannot hold “/”. To put the folder into another one, choose that below")
        raise InvalidName("separator", text=words)
    if len(text) > LEVEL_MAX:
        words = _("The name is too long: at most %(count)d characters")
        raise InvalidName(f"{len(text)} characters", text=words % {"count": LEVEL_MAX})
    if not text.isprintable() or text != text.strip():
        words = _("The name holds characters that cannot be shown, such as a line break")
        raise InvalidName(repr(text), text=words)
    if inside is None and text.casefold() in _RESERVED:
        words = _("“%(name)s” has a meaning of its own: choose another name")
        raise InvalidName("reserved", text=words % {"name": text})
    path = text if inside is None else f"{inside.path}{SEPARATOR}{text}"
    try:
        return mailboxes.normal(path)
    except InvalidName as error:
        words = _("That is too deep, or too long with all folders above: put it higher up")
        raise InvalidName(error.detail, text=words) from None


@contextmanager
def _in_words() -> Iterator[None]:
    """Within: refusals of the mailstore say what to do."""
    try:
        yield
    except AlreadyExists as error:
        words = _("There is a folder of this name there already: choose another name")
        raise AlreadyExists(error.detail, text=words) from None
    except NotFound as error:
        words = _("This folder is not there any more")
        raise NotFound(error.detail, text=words) from None
    except InvalidName as error:
        words = _("A folder cannot be put into itself, or into one that is in it")
        raise InvalidName(error.detail, text=words) from None
