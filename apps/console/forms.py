"""What administrators fill in about users. Whether it is allowed, the doors say."""

from decimal import Decimal
from typing import Any, Final

from django import forms

from apps.console.seen import SeenForm
from apps.directory.limits import FIELDS
from apps.directory.services.users import MAX_NAME
from apps.directory.written import stored_address
from apps.mime.address import take_apart
from apps.sieve.services import SUBJECT_MOST, TEXT_MOST

GIGABYTE: Final = 1 << 30
TEMPORARY: Final = "password"
INVITATION: Final = "invite"
_LIMIT_WORDS: Final = (
    "Messages per hour",
    "Messages per day",
    "Recipients per hour",
    "Recipients per day",
    "Recipients of one message",
)


class SpaceField(forms.DecimalField):
    """Gigabytes, with a point or a comma before the part of one."""

    def __init__(self, *, most: int = 10**6, required: bool = False, label: str) -> None:
        super().__init__(
            label=label, required=required, min_value=0, max_value=most, decimal_places=3
        )

    def to_python(self, value: Any) -> Any:
        """Raises ValidationError."""
        return super().to_python(value.replace(",", ".") if isinstance(value, str) else value)


class AddUserForm(forms.Form):
    """A new user. Space only for who may set it.

    The address is a whole one, or what stands before the @ of the domain that is chosen.
    """

    address = forms.CharField(label="Address", max_length=320)
    domain = forms.CharField(label="Domain", max_length=253, required=False)
    name = forms.CharField(label="Name", max_length=MAX_NAME, required=False)
    space = SpaceField(label="Space in GB")
    first = forms.ChoiceField(
        label="First sign-in", required=False, choices=[(TEMPORARY, ""), (INVITATION, "")]
    )
    invite = forms.CharField(label="Where the invitation goes", max_length=320, required=False)

    def __init__(self, *args: Any, sets_quotas: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not sets_quotas:
            del self.fields["space"]

    def clean(self) -> dict[str, Any]:
        """The invitation needs an address."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("first") == INVITATION and not data.get("invite"):
            self.add_error("invite", "Say to which address the invitation goes.")
        return data

    @property
    def whole(self) -> str:
        """The address with its domain."""
        typed, domain = self.cleaned_data["address"], self.cleaned_data.get("domain", "")
        has_domain = take_apart(typed)[1] != typed
        return typed if has_domain or not domain else f"{typed}@{domain.removeprefix('@')}"

    @property
    def invitation(self) -> str:
        """Where it goes; "" for a temporary password."""
        is_wanted = self.cleaned_data.get("first") == INVITATION
        return str(self.cleaned_data["invite"]) if is_wanted else ""

    @property
    def quota(self) -> int | None:
        """Bytes; None for the domain's default."""
        space = self.cleaned_data.get("space")
        return None if space is None else int(space * GIGABYTE)


class ChangeUserForm(SeenForm):
    """Name and space of a user. Space only for who may set it."""

    name = forms.CharField(label="Name", max_length=MAX_NAME, required=False)
    space = SpaceField(label="Space in GB")

    def __init__(self, *args: Any, sets_quotas: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not sets_quotas:
            del self.fields["space"]

    @property
    def new_name(self) -> str | None:
        """None if nobody touched it."""
        return self.cleaned_data["name"] if "name" in self.touched else None

    @property
    def quota(self) -> int | None:
        """Bytes; None if nobody touched it: the page shows it rounded."""
        space = self.cleaned_data.get("space")
        return None if space is None or "space" not in self.touched else int(space * GIGABYTE)


class RenameForm(forms.Form):
    """Another address of a user."""

    address = forms.CharField(label="New address", max_length=320)


class AddAliasForm(forms.Form):
    """Another address that leads to a user."""

    address = forms.CharField(label="Address", max_length=320)


class RemoveUserForm(forms.Form):
    """The address, typed, so that nobody is removed by a slip."""

    address = forms.CharField(label="Address of the user", max_length=320)

    def __init__(self, *args: Any, key: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._key = key

    def clean_address(self) -> str:
        """It must be the user's."""
        typed = str(self.cleaned_data["address"])
        if stored_address(typed) != self._key:
            raise forms.ValidationError("This is not the address of this user.")
        return typed


class DelegateForm(forms.Form):
    """Who writes in a user's name."""

    delegate = forms.CharField(label="Person", max_length=320)
    how = forms.ChoiceField(
        label="How",
        choices=[("behalf", "On behalf: the mail says who wrote it"), ("as", "As the user")],
        initial="behalf",
    )


class ReplyForm(forms.Form):
    """What is answered while a person is away. Days are those of UTC."""

    first_day = forms.DateField(label="First day", required=False)
    last_day = forms.DateField(label="Last day", required=False)
    subject = forms.CharField(label="Subject", max_length=SUBJECT_MOST, required=False)
    text = forms.CharField(label="Message", max_length=TEXT_MOST)


class SendLimitForm(SeenForm):
    """How much a user may send: empty is what the service allows, 0 no limit."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, words in zip(FIELDS, _LIMIT_WORDS, strict=True):
            self.fields[name] = forms.IntegerField(label=words, required=False, min_value=0)

    @property
    def changes(self) -> dict[str, int | None]:
        """As the door takes them: what was touched."""
        return {name: self.cleaned_data[name] for name in FIELDS if name in self.touched}


class BulkSureForm(forms.Form):
    """Nothing but the word that it is meant."""

    def __init__(self, *args: Any, count: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count = count


class BulkQuotaForm(BulkSureForm):
    """A quota for all of them."""

    space = SpaceField(label="Space in GB", required=True)

    def clean(self) -> dict[str, Any]:
        """With the quota in bytes."""
        data: dict[str, Any] = super().clean() or {}
        if (space := data.get("space")) is not None:
            data["quota"] = int(space * GIGABYTE)
        return data


class BulkGroupForm(BulkSureForm):
    """The group."""

    group = forms.CharField(label="Address of the group", max_length=320)


class BulkRemoveForm(BulkSureForm):
    """How many they are, typed."""

    number = forms.CharField(label="How many users", max_length=10)

    def clean_number(self) -> str:
        """It must be their number, as it is now."""
        typed = str(self.cleaned_data["number"]).strip()
        if typed != str(self.count):
            raise forms.ValidationError(f"They are {self.count}: type that number.")
        return typed


def shown_space(quota: int) -> str:
    """Bytes as the form shows them."""
    space = (Decimal(quota) / GIGABYTE).quantize(Decimal("0.001"))
    # Without zeros at its end, and without an exponent, which normalize gives to tens.
    return str(int(space) if space == int(space) else space.normalize())
