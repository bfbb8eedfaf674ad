"""What administrators fill in about organisations and roles. What is allowed, the doors say."""

from decimal import Decimal
from typing import Any, Final

from django import forms

from apps.console.forms import GIGABYTE, SpaceField, shown_space
from apps.console.seen import SeenForm
from apps.directory.limits import FIELDS
from apps.directory.models import Organization, SendLimit
from apps.directory.services.organizations import MAX_NAME, MOST

_EMPTY: Final = "Empty: no limit."
_SENDING: Final = {
    "messages_per_hour": "Messages per hour",
    "messages_per_day": "Messages per day",
    "recipients_per_hour": "Recipients per hour",
    "recipients_per_day": "Recipients per day",
    "recipients_per_message": "Recipients of one message",
}


class OrganizationForm(SeenForm):
    """A name, and what may be held. Empty is no limit, 0 is nothing."""

    name = forms.CharField(label="Name", max_length=MAX_NAME)
    domains = forms.IntegerField(label="Domains", required=False, min_value=0, max_value=MOST)
    users = forms.IntegerField(label="Users", required=False, min_value=0, max_value=MOST)
    storage = SpaceField(label="Storage to give out, in GB", most=10**9)

    def __init__(self, *args: Any, before: Organization | None = None, **kwargs: Any) -> None:
        if before is not None:
            kwargs["initial"] = {
                "name": before.name,
                "domains": _written(before.max_domains),
                "users": _written(before.max_users),
                "storage": "" if before.max_storage is None else shown_space(before.max_storage),
            }
        super().__init__(*args, **kwargs)

    @property
    def new_name(self) -> str | None:
        """None if nobody touched it."""
        return self.cleaned_data["name"] if "name" in self.touched else None

    @property
    def limits(self) -> dict[str, int | None]:
        """As the doors take them, storage in bytes; those that were touched: what the page shows
        rounded stays as it is."""
        space: Decimal | None = self.cleaned_data["storage"]
        values = {
            "domains": self.cleaned_data["domains"],
            "users": self.cleaned_data["users"],
            "storage": None if space is None else int(space * GIGABYTE),
        }
        return {f"max_{name}": values[name] for name in values if name in self.touched}


class SendingForm(SeenForm):
    """How much all users of an organisation together may send."""

    def __init__(self, *args: Any, before: SendLimit | None, **kwargs: Any) -> None:
        kwargs["initial"] = {name: _written(getattr(before, name, None)) for name in FIELDS}
        super().__init__(*args, **kwargs)
        for name in FIELDS:
            self.fields[name] = forms.IntegerField(
                label=_SENDING[name], required=False, min_value=0, max_value=MOST
            )

    @property
    def changes(self) -> dict[str, int | None]:
        """As the door takes them: what was touched."""
        return {name: self.cleaned_data[name] for name in FIELDS if name in self.touched}


class RoleForm(forms.Form):
    """A role for somebody. Where it holds: an organisation, a domain, or neither (operators)."""

    user = forms.CharField(label="Address of the user", max_length=320)
    role = forms.ChoiceField(label="Role")
    organization = forms.TypedChoiceField(
        label="In the organisation", required=False, coerce=int, empty_value=None
    )
    domain = forms.CharField(label="In the domain", required=False, max_length=253)
    may_reset = forms.BooleanField(
        label="May reset passwords and second factors of users without a role", required=False
    )

    def __init__(
        self,
        *args: Any,
        roles: list[tuple[str, str, str]],
        organizations: list[tuple[int, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        role, organization = self.fields["role"], self.fields["organization"]
        assert isinstance(role, forms.ChoiceField)
        assert isinstance(organization, forms.ChoiceField)
        role.choices = [(value, words) for value, words, _ in roles]
        organization.choices = [("", "A domain alone"), *organizations]
        if not organizations:
            del self.fields["organization"]


def _written(limit: int | None) -> str:
    return "" if limit is None else str(limit)
