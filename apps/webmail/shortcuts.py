"""The keys of the webmail. The help sheet is made from this table; the modules of
static/webmail/ register the same names by `key()`, and a test holds the two together."""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Shortcut:
    """`keys` are ways to do the same (or its opposite), each as `key()` of page.js takes it."""

    name: str | Promise
    keys: tuple[str, ...]

    @property
    def caps(self) -> list[list[str]]:
        """What stands on the keyboard: [["g", "i"]] for "g i", [["Ctrl", "K"]] for "Ctrl+k"."""
        return [_caps(key) for key in self.keys]


def _caps(key: str) -> list[str]:
    made = []
    for stroke in key.split(" "):
        held = stroke.split("+") if len(stroke) > 1 else [stroke]
        made += [cap.upper() if len(held) > 1 and len(cap) == 1 else cap for cap in held]
    return made


@dataclass(frozen=True)
class Group:
    """A heading of the sheet."""

    name: str | Promise
    shortcuts: tuple[Shortcut, ...]


GROUPS: Final = (
    Group(
        _("Move"),
        (
            Shortcut(_("Next / previous conversation"), ("j", "k")),
            Shortcut(_("Next / previous message in thread"), ("n", "p")),
            Shortcut(_("Open conversation"), ("Enter",)),
            Shortcut(_("Back to list"), ("u",)),
        ),
    ),
    Group(
        _("Act"),
        (
            Shortcut(_("Archive"), ("e",)),
            Shortcut(_("Move to Trash"), ("#",)),
            Shortcut(_("Report spam"), ("!",)),
            Shortcut(_("Star"), ("s",)),
            Shortcut(_("Move / label"), ("v", "l")),
            Shortcut(_("Snooze"), ("b",)),
            Shortcut(_("Mark unread / read"), ("Shift+u", "Shift+i")),
            Shortcut(_("Undo the last action"), ("z",)),
        ),
    ),
    Group(
        _("Write"),
        (
            Shortcut(_("New message"), ("c",)),
            Shortcut(_("Reply / reply all"), ("r", "a")),
            Shortcut(_("Forward"), ("f",)),
            Shortcut(_("Send"), ("Ctrl+Enter",)),
            Shortcut(_("Send later"), ("Ctrl+Shift+Enter",)),
        ),
    ),
    Group(
        _("Select"),
        (
            Shortcut(_("Select conversation"), ("x",)),
            Shortcut(_("Select range"), ("Shift+j", "Shift+k")),
            Shortcut(_("Select all / none"), ("* a", "* n")),
        ),
    ),
    Group(
        _("Go to"),
        (
            Shortcut(_("Inbox"), ("g i",)),
            Shortcut(_("Starred"), ("g s",)),
            Shortcut(_("Drafts / Sent"), ("g d", "g t")),
            Shortcut(_("Archive folder"), ("g a",)),
            Shortcut(_("Search"), ("/",)),
            Shortcut(_("Command palette"), ("Ctrl+k",)),
            Shortcut(_("This list"), ("?",)),
        ),
    ),
)
