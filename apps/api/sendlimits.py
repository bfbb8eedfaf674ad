"""How much may be sent: of a user, a domain, an organisation."""

from typing import Any, Final

from rest_framework import serializers

from apps.api.forms import Form, Shown
from apps.directory.limits import FIELDS, UNBOUNDED
from apps.directory.models import SendLimit
from apps.directory.services.limits import HIGHEST


def _most(name: str) -> int:
    return UNBOUNDED if name == "recipients_per_message" else HIGHEST


class LimitsForm(Form):
    """Limits that are changed: what is left out stays as it is, null is no limit of its own."""

    def get_fields(self) -> dict[str, Any]:
        """One for each limit."""
        return {
            name: serializers.IntegerField(
                min_value=0, max_value=_most(name), allow_null=True, required=False
            )
            for name in FIELDS
        }


class LimitsShown(Shown):
    """Limits as they were set; null is none of its own."""

    def get_fields(self) -> dict[str, Any]:
        """One for each limit."""
        return {name: serializers.IntegerField(allow_null=True) for name in FIELDS}


EXAMPLE: Final = dict.fromkeys(FIELDS) | {"messages_per_day": 2_000}


def shown(row: SendLimit | None) -> dict[str, Any]:
    """A row, or that there is none."""
    return {name: getattr(row, name, None) for name in FIELDS}
