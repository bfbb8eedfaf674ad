"""Light or dark: the paper on which a message is shown in its frame."""

from dataclasses import dataclass

from apps.webmail.models import Theme

CHOICES = frozenset({Theme.LIGHT, Theme.DARK})


@dataclass(frozen=True, slots=True)
class Sheet:
    """How the document of a frame is coloured.

    Args:
        scheme: of `<meta name="color-scheme">`.
        follows: light or dark as the page around it is.
        is_dark: dark, for mail without colours of its own.
        is_turned: dark, for mail with colours: all of them are turned round.
    """

    scheme: str = "light"
    follows: bool = False
    is_dark: bool = False
    is_turned: bool = False


def sheet(*, is_designed: bool, asked: str, theme: str) -> Sheet:
    """The sheet of a part.

    Args:
        asked: by `?sheet=`; whatever is neither light nor dark is nothing.
        theme: of the person's preferences.
    """
    if asked in CHOICES:
        chosen = asked
    elif is_designed:
        chosen = Theme.LIGHT  # its colours were chosen on white
    else:
        chosen = theme
    if chosen == Theme.LIGHT:
        return Sheet()
    if chosen != Theme.DARK:
        return Sheet("light dark", follows=True)
    return Sheet("light", is_turned=True) if is_designed else Sheet("dark", is_dark=True)
