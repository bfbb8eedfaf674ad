"""Fields that say where and until when something works, alike wherever people fill them in."""

from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar, Final

from django import forms
from django.utils import timezone

MOST_NETWORK_TEXT: Final = 5_000  # characters
FURTHEST: Final = timedelta(days=3650)


class LimitedForm(forms.Form):
    """Networks, and a last day.

    Args:
        called: what is limited, with its article.
        most_networks: how many it has at most.
    """

    called: ClassVar[str] = "This"
    most_networks: ClassVar[int] = 50

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
        if len(words) > self.most_networks:
            raise forms.ValidationError(f"{self.called} has up to {self.most_networks} networks.")
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
