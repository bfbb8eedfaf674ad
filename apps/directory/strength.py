"""Which passwords may be chosen: NIST SP 800-63B section 5.1.1.2.

Length counts (PASSWORD_LENGTH, or more where a domain asks for it), in characters of any kind. What
everybody tries first is refused: common passwords, repetitions, the own address and name. There are
no rules about kinds of characters and no expiry: both make people choose worse. Django's
`validate_password` asks the same, by AUTH_PASSWORD_VALIDATORS.
"""

import unicodedata
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from apps.directory.models import Domain, User
from apps.directory.passwords import MAX_PASSWORD, prepare
from apps.mime.address import Address, AddressError

_DIFFERENT: Final = 4  # characters


def check_strength(password: str, user: User | None = None) -> list[str]:
    """Say what speaks against a new password, a sentence each; nothing if it may be one.

    Args:
        user: whose it becomes, perhaps not saved yet: then `address` and `name` are looked at.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        return [str(message) for message in error.messages]
    return []


def shortest(user: User | None = None) -> int:
    """How many characters a new password of a user has at least."""
    domain = None if user is None else user.domain or _domain_of(user.address)
    of_domain = None if domain is None else domain.password_length
    return max(settings.PASSWORD_LENGTH, of_domain or 0)


def _domain_of(address: str) -> Domain | None:
    """The domain of somebody who is not there yet."""
    try:
        name = Address.parse(address.strip()).domain
    except AddressError:
        return None
    return Domain.objects.filter(name=name).first()


class PasswordRules:
    """What Django's own validators leave out, as one of them."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError if the password is too short, too long, or a repetition."""
        prepared = prepare(password)
        if prepared is None and password:
            raise ValidationError(f"A password has up to {MAX_PASSWORD} octets and no NUL.")
        least = shortest(user if isinstance(user, User) else None)
        length = len(unicodedata.normalize("NFC", password))
        if length < least:
            raise ValidationError(
                f"This password is too short. It needs {least} characters, and has {length}."
            )
        if len(set(password.casefold())) < _DIFFERENT:
            raise ValidationError("This password repeats the same few characters.")

    def get_help_text(self) -> str:
        """For forms."""
        return f"At least {shortest()} characters. A few words in a row are easy to remember."
