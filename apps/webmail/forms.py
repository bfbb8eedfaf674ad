"""Forms of the first pages: they parse and say what is wrong under the field; services decide."""

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

from apps.directory.models import User
from apps.directory.passwords import MAX_PASSWORD
from apps.directory.strength import shortest
from apps.mime.address import Address, AddressError


def password_field(label: str, autocomplete: str) -> forms.CharField:
    """A password as it was typed, blanks and all."""
    return forms.CharField(
        label=label,
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


class SignInForm(forms.Form):
    """Address and password. Which of the two is wrong is never told."""

    address = forms.CharField(label="Email address", max_length=320)
    password = password_field("Password", "current-password")
    kept = forms.BooleanField(required=False)  # "Keep me signed in on this device"


class CodeForm(forms.Form):
    """A code of an authenticator app, or a recovery code."""

    code = forms.CharField(label="Code", max_length=64)
    trust = forms.BooleanField(required=False)  # "Don't ask on this device for 30 days"


class ConfirmForm(forms.Form):
    """The password once more."""

    password = password_field("Password", "current-password")


class SetupForm(forms.Form):
    """The first operator."""

    name = forms.CharField(label="Your name", max_length=200, required=False)
    address = forms.CharField(label="Email address", max_length=320)
    password = password_field("Password", "new-password")
    host_domain = forms.BooleanField(required=False, initial=True)

    @property
    def policy(self) -> str:
        """What the password has to be."""
        return policy_words()

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


class NewPasswordForm(forms.Form):
    """The new password twice."""

    new = password_field("New password", "new-password")
    again = password_field("New password, again", "new-password")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        self.policy = policy_words(user)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        check_new(self, data, self._user)
        return data


class PasswordForm(NewPasswordForm):
    """The old password, and the new one twice."""

    current = password_field("Current password", "current-password")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("new") and data.get("new") == data.get("current"):
            self.add_error("new", "This is the password that you have.")
        return data


def policy_words(user: User | None = None) -> str:
    """What a new password of a user has to be; of the first one, if there is none yet."""
    least = shortest(user)
    return f"At least {least} characters, of any kind: a few words are good. No common password."


def check_new(form: forms.Form, data: dict[str, Any], user: User) -> None:
    """Say what is wrong with a new password that was typed twice."""
    if "new" in data and "again" in data and data["new"] != data["again"]:
        form.add_error("again", "The two new passwords differ.")
    if "new" in data:
        _check_strength(form, "new", data["new"], user)


def _check_strength(form: forms.Form, field: str, password: str, user: User) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        form.add_error(field, error)
