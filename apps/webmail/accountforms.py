"""Forms by which people care for their own accounts: they parse and say what is wrong under the
field; services decide."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django import forms
from django.utils import timezone

from apps.directory.apppasswords import PROTOCOLS
from apps.directory.services.credentials import MAX_NAME, MAX_NETWORKS

MOST_NETWORK_TEXT: Final = 5_000  # characters
FURTHEST: Final = timedelta(days=3650)


class ForgotForm(forms.Form):
    """Whose password is forgotten. Anything may stand in it: the answer is the same."""

    address = forms.CharField(label="Email address", max_length=320)


class RecoveryForm(forms.Form):
    """The recovery address that is wanted."""

    address = forms.CharField(label="Recovery address", max_length=320)


class AppPasswordForm(forms.Form):
    """A new app password."""

    name = forms.CharField(label="Name", max_length=MAX_NAME)
    protocols = forms.MultipleChoiceField(
        label="Can use",
        choices=[(one, one.upper()) for one in PROTOCOLS],
        error_messages={"required": "Choose at least one."},
    )
    networks = forms.CharField(label="Networks", max_length=MOST_NETWORK_TEXT, required=False)
    expires = forms.DateField(
        label="Last day",
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Write the day as year-month-day, such as 2027-01-31."},
    )

    def clean_networks(self) -> list[str]:
        """One to a line, or between commas or blanks."""
        words: list[str] = self.cleaned_data["networks"].replace(",", " ").split()
        if len(words) > MAX_NETWORKS:
            raise forms.ValidationError(f"An app password has up to {MAX_NETWORKS} networks.")
        return words

    def clean_expires(self) -> datetime | None:
        """The end of the last day, UTC."""
        day: date | None = self.cleaned_data["expires"]
        if day is None:
            return None
        today = timezone.now().date()
        if day < today:
            raise forms.ValidationError("This day is over.")
        if day > today + FURTHEST:
            raise forms.ValidationError("This day is more than ten years ahead.")
        return datetime.combine(day + timedelta(days=1), time(), UTC)
