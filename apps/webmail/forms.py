"""Forms of the first pages: they parse and say what is wrong under the field; services decide."""

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

from apps.directory.models import User
from apps.directory.passwords import MAX_PASSWORD
from apps.mime.address import Address, AddressError


def _password(label: str, autocomplete: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


class SignInForm(forms.Form):
    """Address and password. Which of the two is wrong is never told."""

    address = forms.CharField(label="Email address", max_length=320)
    password = _password("Password", "current-password")


class SetupForm(forms.Form):
    """The first operator."""

    name = forms.CharField(label="Your name", max_length=200, required=False)
    address = forms.CharField(label="Email address", max_length=320)
    password = _password("Password", "new-password")
    host_domain = forms.BooleanField(required=False, initial=True)

    def clean_address(self) -> str:
        try:
            return str(Address.parse(self.cleaned_data["address"].strip(), strict=True))
        except AddressError as error:
            raise ValidationError(f"This is not an email address: {error}.") from None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "password" in data:
            draft = User(address=data.get("address", ""), name=data.get("name", ""))
            _check_strength(self, "password", data["password"], draft)
        return data


class PasswordForm(forms.Form):
    """The old password, and the new one twice."""

    current = _password("Current password", "current-password")
    new = _password("New password", "new-password")
    again = _password("New password, again", "new-password")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "new" in data and "again" in data and data["new"] != data["again"]:
            self.add_error("again", "The two new passwords differ.")
        if "new" in data:
            _check_strength(self, "new", data["new"], self._user)
        return data


def _check_strength(form: forms.Form, field: str, password: str, user: User) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        form.add_error(field, error)
