"""The form of an administrator's own API token: it parses and says what is wrong under the field;
the service decides."""

from typing import Final

from django import forms

from apps.directory.apitokens import SCOPES
from apps.directory.services.apitokens import MAX_PLACES
from apps.directory.services.credentials import MAX_NAME, MAX_NETWORKS
from apps.ui.limitedforms import LimitedForm

MOST_PLACES_TEXT: Final = 30_000  # characters


class TokenForm(LimitedForm):
    """A new API token."""

    called = "An API token"
    most_networks = MAX_NETWORKS

    name = forms.CharField(label="Name", max_length=MAX_NAME)
    scopes = forms.MultipleChoiceField(
        label="May do",
        choices=[(one, one) for one in SCOPES],
        error_messages={"required": "Choose at least one."},
    )
    places = forms.CharField(label="Only in", max_length=MOST_PLACES_TEXT, required=False)

    def clean_places(self) -> list[str] | None:
        """Names, one to a line; None for wherever one may act oneself."""
        lines = (line.strip() for line in self.cleaned_data["places"].splitlines())
        words = list(dict.fromkeys(line for line in lines if line))
        if len(words) > MAX_PLACES:
            raise forms.ValidationError(f"An API token has up to {MAX_PLACES} places.")
        return words or None
