"""What administrators fill in. Whether it is allowed, the doors say."""

from decimal import Decimal
from typing import Any, Final

from django import forms

from apps.directory.services.users import MAX_NAME

GIGABYTE: Final = 1 << 30


class AddUserForm(forms.Form):
    """A new user. Space only for who may set it."""

    address = forms.CharField(label="Address", max_length=320)
    name = forms.CharField(label="Name", max_length=MAX_NAME, required=False)
    space = forms.DecimalField(
        label="Space in GB", required=False, min_value=0, max_value=10**6, decimal_places=3
    )

    def __init__(self, *args: Any, sets_quotas: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not sets_quotas:
            del self.fields["space"]

    @property
    def quota(self) -> int | None:
        """Bytes; None for the domain's default."""
        space = self.cleaned_data.get("space")
        return None if space is None else int(space * GIGABYTE)


class ChangeUserForm(AddUserForm):
    """Name and space of a user."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["address"]

    @property
    def quota(self) -> int | None:
        """Bytes; None if it is what it was: the page shows it rounded."""
        space = self.cleaned_data.get("space")
        return None if space is None or space == Decimal(self.initial["space"]) else super().quota


def shown_space(quota: int) -> str:
    """Bytes as the form shows them."""
    space = (Decimal(quota) / GIGABYTE).quantize(Decimal("0.001"))
    # Without zeros at its end, and without an exponent, which normalize gives to tens.
    return str(int(space) if space == int(space) else space.normalize())
