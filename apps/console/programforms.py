"""The form of a program that people may let in: it parses; the service decides."""

from typing import Final

from django import forms

from apps.directory.apppasswords import PROTOCOLS
from apps.directory.redirects import LONGEST
from apps.directory.services.oauthclients import MAX_NAME, MOST_REDIRECTS

MOST_TEXT: Final = MOST_REDIRECTS * (LONGEST + 2)  # characters


class ProgramForm(forms.Form):
    """A new program."""

    name = forms.CharField(label="Name", max_length=MAX_NAME)
    redirects = forms.CharField(label="Comes back to", max_length=MOST_TEXT)
    scopes = forms.MultipleChoiceField(
        label="May ask for",
        choices=[(one, one.upper()) for one in PROTOCOLS],
        error_messages={"required": "Choose at least one."},
    )
    has_secret = forms.BooleanField(label="It runs on a server", required=False)

    def clean_redirects(self) -> list[str]:
        """Addresses, one to a line."""
        lines = (line.strip() for line in self.cleaned_data["redirects"].splitlines())
        return [line for line in lines if line]
