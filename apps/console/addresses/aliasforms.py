"""What administrators fill in about aliases. Whether it is allowed, the doors say."""

from typing import Any, Final

from django import forms

from apps.directory.services.aliases import MAX_TARGETS, parse_address
from apps.wire.errors import InvalidAddress

MAX_PATTERN: Final = 500  # characters
MAX_LINES: Final = 65_536  # characters of all targets, more than MAX_TARGETS addresses can have
_SHOWN: Final = 3  # lines that are complained about at once


class TargetsField(forms.CharField):
    """Addresses, one in a line; what is wrong with one is said with the number of its line."""

    def __init__(self, **kwargs: Any) -> None:
        # What was typed is not stripped: the numbers of the lines would be others.
        super().__init__(max_length=MAX_LINES, widget=forms.Textarea, strip=False, **kwargs)

    def clean(self, value: Any) -> list[str]:
        """Raises ValidationError."""
        found, wrong = [], []
        # "\n" alone: other ends of lines are no line of a browser, and no part of an address.
        for number, line in enumerate(super().clean(value).split("\n"), 1):
            if not (text := line.strip(" \t\r")):
                continue
            try:
                found.append(_target(text))
            except InvalidAddress as error:
                wrong.append(f"Line {number}: {error.reply.text}.")
        if wrong:
            more = len(wrong) - _SHOWN
            left = [f"{more} more lines are wrong."] if more > 0 else []
            raise forms.ValidationError([*wrong[:_SHOWN], *left])
        if not found:
            raise forms.ValidationError(self.error_messages["required"])
        if len(set(found)) > MAX_TARGETS:
            raise forms.ValidationError(
                f"An alias has at most {MAX_TARGETS} targets, and these are {len(set(found))}."
            )
        return found


class AddAliasForm(forms.Form):
    """A new alias or group."""

    address = forms.CharField(label="Address", max_length=MAX_PATTERN)
    targets = TargetsField(label="Delivers to")


class AddTargetsForm(forms.Form):
    """More targets."""

    targets = TargetsField(label="Add addresses")


def _target(text: str) -> str:
    address = str(parse_address(text))
    if "*" in address:
        raise InvalidAddress("pattern", text="A target is an address, not a pattern")
    return address
