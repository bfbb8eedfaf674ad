"""Adding a user: what takes time is made first, in no transaction."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from apps.api.problems import Fault, Wrong, about
from apps.directory import passwords, permissions
from apps.directory.models import Domain, Kind, User
from apps.directory.passwords import Secrets
from apps.directory.permissions import Powers
from apps.directory.services.users import display_name, user_address
from apps.directory.strength import check_strength
from apps.mime.address import Address
from apps.provisioning import invitations
from apps.provisioning.administration import users
from apps.wire.errors import (
    AlreadyExists,
    InUse,
    InvalidAddress,
    InvalidName,
    LimitReached,
    NotFound,
    Throttled,
)


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to add.

    Args:
        secrets: None for who is no person.
        invented: the temporary password, which is shown once; "" if there is none.
    """

    asked: Mapping[str, Any] = field(repr=False)
    secrets: Secrets | None = field(default=None, repr=False)
    invented: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """Of what is asked for: the domains in sight by their names, and the keys of users who are
    there."""

    homes: Mapping[str, Domain]
    keys: frozenset[str]

    @classmethod
    def of(cls, powers: Powers, addresses: Iterable[str]) -> "Known":
        """Two statements for all of them; what is no address is left out."""
        wanted = [one for text in addresses if (one := _address(text)) is not None]
        homes = permissions.domains(powers).filter(name__in={one.domain for one in wanted})
        there = User.objects.filter(key__in={one.key for one in wanted})
        # The box that a domain has for its postmaster gives way.
        keys = there.exclude(kind=Kind.SHARED).values_list("key", flat=True)
        return cls({one.name: one for one in homes}, frozenset(keys))


def _address(text: str) -> Address | None:
    try:
        return user_address(text)
    except InvalidAddress:
        return None


def prepare(powers: Powers, asked: Mapping[str, Any]) -> NewUser:
    """Look at what was asked for (a `UserForm`), and hash the password.

    Raises:
        what is wrong, as `add` would
    """
    look(powers, asked, Known.of(powers, [asked["address"]]))
    return hashed(asked)


def look(powers: Powers, asked: Mapping[str, Any], known: Known) -> None:
    """Raise what is wrong and can be seen before anything costs time; no statement."""
    with about("/address"):
        wanted = user_address(asked["address"])
        domain = known.homes.get(wanted.domain)
        if domain is None:
            raise NotFound(wanted.domain, text=f"The domain {wanted.domain} is not hosted here")
    with about("/name", InvalidName):
        name = display_name(asked["name"])
    users.demand_creation(powers, wanted, domain, asked.get("quota"))
    if wanted.key in known.keys:
        with about("/address"):
            raise AlreadyExists(wanted.key, text=f"The user {wanted.key} exists already")
    if "invite" in asked:
        with about("/invite", InvalidAddress):
            invitations.invited(asked["invite"], wanted.key)
    if "password" in asked:
        _demand_strong(asked["password"], User(address=str(wanted), name=name, domain=domain))


def _demand_strong(password: str, user: User) -> None:
    against = check_strength(password, user)
    if against:
        raise Wrong(*(Fault("/password", "weak_password", words) for words in against))


def hashed(asked: Mapping[str, Any]) -> NewUser:
    """Invent a password if none was sent, and hash it."""
    if asked["kind"] != Kind.PERSON.value:
        return NewUser(asked)
    text = asked.get("password") or passwords.generate()
    is_told = "password" not in asked and "invite" not in asked
    with about("/password", InvalidName):
        return NewUser(asked, passwords.seal(text), text if is_told else "")


def add(powers: Powers, new: NewUser) -> User:
    """Add it, in one transaction or in the caller's.

    Raises:
        NotPermitted, and what is wrong with a field
    """
    asked, quota = new.asked, new.asked.get("quota")
    with _fields():
        if new.secrets is None:
            kind = Kind(asked["kind"])
            user, _ = users.create(
                powers=powers, address=asked["address"], name=asked["name"], quota=quota, kind=kind
            )
            return user
        return users.create_hashed(
            powers=powers,
            address=asked["address"],
            secrets=new.secrets,
            name=asked["name"],
            quota=quota,
            must_change=asked.get("must_change_password", bool(new.invented)),
            invite=asked.get("invite", ""),
        )


@contextmanager
def _fields() -> Iterator[None]:
    """Within: failures are about the fields of a `UserForm`."""
    with (
        about("/address", InvalidAddress, NotFound, AlreadyExists, InUse),
        about("/invite", Throttled),
        about("/name", InvalidName),
    ):
        try:
            yield
        except LimitReached as error:
            is_full = error.detail.startswith("users ")  # no room for any user, whatever its quota
            with about("/address" if is_full else "/quota"):
                raise
