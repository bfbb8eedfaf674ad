"""What is said of an act: whole sentences, that each language may order as it likes."""

from collections.abc import Callable
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.scan.models import Verb
from apps.scan.services.lists import Added
from apps.webmail.acts.undo import Undone
from apps.webmail.acts.wish import Done, Wish

_Words = Callable[[int], str]

# Each sentence is written out, for gettext finds none that is put together.
_OF_CONVERSATIONS: Final[dict[str, _Words]] = {
    "archive": lambda n: ngettext("Conversation archived", "%(count)d conversations archived", n),
    "junk": lambda n: ngettext(
        "Conversation reported as junk", "%(count)d conversations reported as junk", n
    ),
    "notjunk": lambda n: ngettext(
        "Conversation moved to the inbox: not junk",
        "%(count)d conversations moved to the inbox: not junk",
        n,
    ),
    "inbox": lambda n: ngettext(
        "Conversation moved to the inbox", "%(count)d conversations moved to the inbox", n
    ),
    "trash": lambda n: ngettext(
        "Conversation moved to Trash", "%(count)d conversations moved to Trash", n
    ),
    "delete": lambda n: ngettext("Conversation deleted", "%(count)d conversations deleted", n),
    "move": lambda n: ngettext(
        "Conversation moved to “%(name)s”", "%(count)d conversations moved to “%(name)s”", n
    ),
    "snooze": lambda n: ngettext("Conversation snoozed", "%(count)d conversations snoozed", n),
    "wake": lambda n: ngettext(
        "Conversation brought back", "%(count)d conversations brought back", n
    ),
    "label": lambda n: ngettext(
        "Label added to the conversation", "Label added to %(count)d conversations", n
    ),
    "unlabel": lambda n: ngettext(
        "Label taken off the conversation", "Label taken off %(count)d conversations", n
    ),
    "star": lambda n: ngettext("Conversation starred", "%(count)d conversations starred", n),
    "unstar": lambda n: ngettext(
        "Star taken off the conversation", "Stars taken off %(count)d conversations", n
    ),
    "read": lambda n: ngettext(
        "Conversation marked as read", "%(count)d conversations marked as read", n
    ),
    "unread": lambda n: ngettext(
        "Conversation marked as unread", "%(count)d conversations marked as unread", n
    ),
}
_OF_MESSAGES: Final[dict[str, _Words]] = {
    "archive": lambda n: ngettext("Message archived", "%(count)d messages archived", n),
    "junk": lambda n: ngettext(
        "Message reported as junk", "%(count)d messages reported as junk", n
    ),
    "notjunk": lambda n: ngettext(
        "Message moved to the inbox: not junk", "%(count)d messages moved to the inbox: not junk", n
    ),
    "inbox": lambda n: ngettext(
        "Message moved to the inbox", "%(count)d messages moved to the inbox", n
    ),
    "trash": lambda n: ngettext("Message moved to Trash", "%(count)d messages moved to Trash", n),
    "delete": lambda n: ngettext("Message deleted", "%(count)d messages deleted", n),
    "empty": lambda n: ngettext("Message deleted", "%(count)d messages deleted", n),
    "move": lambda n: ngettext(
        "Message moved to “%(name)s”", "%(count)d messages moved to “%(name)s”", n
    ),
    "snooze": lambda n: ngettext("Message snoozed", "%(count)d messages snoozed", n),
    "wake": lambda n: ngettext("Message brought back", "%(count)d messages brought back", n),
    "label": lambda n: ngettext(
        "Label added to the message", "Label added to %(count)d messages", n
    ),
    "unlabel": lambda n: ngettext(
        "Label taken off the message", "Label taken off %(count)d messages", n
    ),
    "star": lambda n: ngettext("Message starred", "%(count)d messages starred", n),
    "unstar": lambda n: ngettext(
        "Star taken off the message", "Stars taken off %(count)d messages", n
    ),
    "read": lambda n: ngettext("Message marked as read", "%(count)d messages marked as read", n),
    "unread": lambda n: ngettext(
        "Message marked as unread", "%(count)d messages marked as unread", n
    ),
}


def of_act(wish: Wish, done: Done, *, can_undo: bool) -> str:
    """What was done, and whether that is for good."""
    if not done.messages:
        return _("Nothing was changed: it is so already, or the messages are not there any more")
    by_row = wish.whole and not wish.everything and wish.verb in _OF_CONVERSATIONS
    count = done.rows if by_row else done.messages
    words = (_OF_CONVERSATIONS if by_row else _OF_MESSAGES)[wish.verb](count)
    name = done.target.title if done.target else ""
    said = words % {"count": count, "name": name}
    if done.left:
        left = ngettext(
            "%(count)d is left: do it again", "%(count)d are left: do it again", done.left
        )
        said += ". " + left % {"count": done.left}
    if done.reason:
        said += f". {done.reason}"
    return said if can_undo else said + ". " + _("This cannot be undone")


def of_list(verb: Verb | None, sender: str) -> str:
    """What becomes of mail from them; None: what the filter says of it."""
    if verb is None:
        said = _("Nothing is said of {sender} any more.")
    elif verb is Verb.BLOCK:
        said = _("Mail from {sender} is refused from now on, or goes to Junk.")
    else:
        said = _("Mail that is proved to be from {sender} stays out of Junk from now on.")
    return said.replace("{sender}", sender)


def of_undo(undone: Undone) -> str:
    """What was taken back."""
    said = [_of_list_undo(added, is_back) for added, is_back in undone.said]
    if undone.back or undone.lost or not said:
        said.insert(0, _of_messages_undo(undone) + ("." if said else ""))
    return " ".join(said)


def _of_list_undo(added: Added, is_back: bool) -> str:
    if is_back:
        return of_list(added.replaced, added.value)
    changed = _("Something else is said of {sender} since: that stays.")
    return changed.replace("{sender}", added.value)


def _of_messages_undo(undone: Undone) -> str:
    if not undone.lost:
        return ngettext(
            "Undone: the message is as it was",
            "Undone: %(count)d messages are as they were",
            undone.back,
        ) % {"count": undone.back}
    lost = ngettext(
        "A message could not be put back",
        "%(count)d messages could not be put back",
        undone.lost,
    ) % {"count": undone.lost}
    if undone.reason:
        return f"{lost}: {undone.reason}"
    return lost + ": " + _("somebody has changed or moved them since")
