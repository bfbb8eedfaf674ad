"""What people did with a message, in sentences. Pure.

`moment` in these sentences is UTC, to the minute: a page has the seconds beside it.
"""

from datetime import UTC, datetime
from typing import Final

from apps.delivery.recorder.mailbox import LEAVING, Act, Box, Deed, Life
from apps.delivery.recorder.programs import program
from apps.delivery.recorder.reading import text
from apps.mailstore.models import SpecialUse

_FOLDER_MOST: Final = 80  # characters of a folder's name
_WORDS: Final = {
    Deed.READ: "Read",
    Deed.UNREAD: "Marked as unread",
    Deed.ANSWERED: "Answered",
    Deed.FORWARDED: "Forwarded",
    Deed.FLAGGED: "Flagged",
    Deed.UNFLAGGED: "Flag taken off",
    Deed.MARKED_DELETED: "Marked as deleted",
    Deed.UNMARKED: "No longer marked as deleted",
    Deed.JUNK: "Marked as junk",
    Deed.NOT_JUNK: "Marked as not junk",
    Deed.DELETED: "Deleted",
    Deed.RESTORED: "Brought back",
    Deed.FOLDER_DELETED: "Deleted with its folder",
    Deed.FOLDER_RESTORED: "Brought back with its folder",
}
_ENDS: Final = LEAVING | {Deed.RESTORED, Deed.FOLDER_RESTORED}


def folder(box: Box) -> str:
    """A mailbox as people read it."""
    return text(box.name, _FOLDER_MOST) or "a folder"


def deed(act: Act) -> str:
    """What was done, in a few words."""
    target = act.target
    if act.deed is Deed.MOVED:
        if target is not None and target.use == SpecialUse.TRASH:
            return f"Deleted: moved to {folder(target)}"
        return f"Moved to {folder(target)}" if target is not None else "Moved out of sight"
    if act.deed is Deed.COPIED:
        return f"Copied to {folder(target or act.box)}"
    if act.deed in (Deed.LABELLED, Deed.UNLABELLED):
        sort = "Labelled" if act.deed is Deed.LABELLED else "Label taken off:"
        return f"{sort} {text(act.label, _FOLDER_MOST)}"
    return _WORDS[act.deed]


def by(act: Act) -> str:
    """By which program."""
    return program(act.door, act.client)


def headline(life: Life, owner: int) -> str:
    """What the last act that decides where somebody's copy is did: "Deleted by a phone's mail app
    at 09:05"; "" if nothing of that kind happened."""
    theirs = (one for one in reversed(life.acts) if one.box.user_id == owner)
    last = next((one for one in theirs if one.deed in _ENDS), None)
    if last is None:
        return ""
    at = datetime.fromtimestamp(last.at_us / 1_000_000, UTC)
    words = deed(last)
    if words.startswith("Deleted: "):
        words = words.removeprefix("Deleted: ")
        return f"Deleted by {by(last)} at {at:%H:%M} ({words})"
    return f"{words} by {by(last)} at {at:%H:%M}"
