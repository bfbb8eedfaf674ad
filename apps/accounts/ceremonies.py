"""The two ceremonies of WebAuthn (level 3, section 7) by py_webauthn. No database.

The library costs every process that imports it 8 MB and a quarter of a second, so this module is
imported when a passkey is in somebody's hand (services/passkeys.py), not before.

A passkey has to know its user by a finger, a face or a PIN (user verification) and to be found
without being named (resident key): then it is both factors at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from apps.accounts.sites import Site
from apps.wire.errors import AuthenticationFailed

NAME: Final = "mailhost"
TIMEOUT: Final = 300_000  # milliseconds
LONGEST: Final = 1_023  # octets of a credential's id (section 4) and, here, of its key
TRANSPORTS: Final = frozenset(way.value for way in AuthenticatorTransport)
# What a parser says of input that is not what it looks for; the library lets some of it through.
_BROKEN: Final = (
    WebAuthnException,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Known:
    """A passkey as browsers are told of it."""

    credential_id: bytes
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """A new passkey that has proved itself."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    is_backed_up: bool
    aaguid: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a passkey said when it was used."""

    sign_count: int
    is_backed_up: bool


def registration(
    site: Site, *, challenge: bytes, handle: bytes, address: str, name: str, known: Iterable[Known]
) -> dict[str, Any]:
    """What a browser is asked to make a passkey by (PublicKeyCredentialCreationOptionsJSON)."""
    options = generate_registration_options(
        rp_id=site.rp_id,
        rp_name=NAME,
        user_id=handle,
        user_name=address,
        user_display_name=name or address,
        challenge=challenge,
        timeout=TIMEOUT,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[_descriptor(one) for one in known],
    )
    return options_to_json_dict(options)


def sign_in(site: Site, *, challenge: bytes, known: Iterable[Known]) -> dict[str, Any]:
    """What a browser is asked to show a passkey by (PublicKeyCredentialRequestOptionsJSON).

    Args:
        known: none lets the browser offer what it has for this site.
    """
    options = generate_authentication_options(
        rp_id=site.rp_id,
        challenge=challenge,
        timeout=TIMEOUT,
        allow_credentials=[_descriptor(one) for one in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def registered(site: Site, *, challenge: bytes, answer: Mapping[str, Any]) -> Registered:
    """Check what a browser says of a new passkey.

    Raises:
        AuthenticationFailed: another challenge, origin or site, no user verification, or broken.
    """
    with _trouble():
        found = verify_registration_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
        if max(len(found.credential_id), len(found.credential_public_key)) > LONGEST:
            raise ValueError("too long")
        ways = answer["response"].get("transports") or []
        return Registered(
            credential_id=found.credential_id,
            public_key=found.credential_public_key,
            sign_count=found.sign_count,
            transports=tuple(sorted(TRANSPORTS & set(ways))),
            is_backed_up=found.credential_backed_up,
            aaguid=found.aaguid,
        )


def credential_id(answer: Mapping[str, Any]) -> bytes:
    """Which passkey an answer is of.

    Raises:
        AuthenticationFailed: broken.
    """
    with _trouble():
        return base64url_to_bytes(answer["rawId"])


def shown(
    site: Site,
    *,
    challenge: bytes,
    answer: Mapping[str, Any],
    public_key: bytes,
    sign_count: int,
    handle: bytes,
) -> Shown:
    """Check a passkey's signature.

    Args:
        sign_count: what it said last: a lower one is of a copy.
        handle: whose it is; a passkey that names another user is refused (section 7.2, step 6).

    Raises:
        AuthenticationFailed: as above.
    """
    with _trouble():
        found = verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
        named = answer["response"].get("userHandle")
        if named and base64url_to_bytes(named) != handle:
            raise ValueError("the passkey names another user")
        return Shown(found.new_sign_count, found.credential_backed_up)


def _descriptor(one: Known) -> PublicKeyCredentialDescriptor:
    ways = [AuthenticatorTransport(way) for way in one.transports if way in TRANSPORTS]
    return PublicKeyCredentialDescriptor(id=one.credential_id, transports=ways)


@contextmanager
def _trouble() -> Iterator[None]:
    """All that is wrong with an answer is the same to whoever sent it; the log knows more."""
    try:
        yield
    except _BROKEN as error:
        raise AuthenticationFailed(
            f"{type(error).__name__}: {error}"[:300], text="This passkey was not accepted"
        ) from None
