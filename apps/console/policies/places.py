"""For whom a page of policies is."""

from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from apps.directory.models import Domain, User
from apps.directory.permissions import Ability, Powers
from apps.scan.scopes import SERVER, Scope


@dataclass(frozen=True, slots=True)
class Place:
    """The whole installation, unless one of the two is set."""

    domain: Domain | None = None
    user: User | None = None

    @property
    def kind(self) -> str:
        """server, domain or user."""
        if self.user is not None:
            return "user"
        return "server" if self.domain is None else "domain"

    @property
    def id(self) -> int:
        """Of the row; 0 for the installation."""
        row = self.domain or self.user
        return 0 if row is None else row.pk

    @property
    def name(self) -> str:
        if self.kind == "server":
            return "All domains"
        return str(self.domain or self.user)

    @property
    def url(self) -> str:
        """Of its page."""
        if self.kind == "server":
            return reverse("console-policies")
        return reverse(f"console-policies-{self.kind}", args=[self.id])

    @property
    def sends(self) -> bool:
        """Whether it has limits of sending; the installation's are settings."""
        return self.kind != "server"

    @property
    def scope(self) -> Scope:
        """As the filter names it."""
        if self.user is not None:
            return Scope(user_id=self.user.pk)
        return SERVER if self.domain is None else Scope(domain_id=self.domain.pk)

    def rights(self, powers: Powers) -> "Rights":
        """What somebody may change there."""
        where = self.domain or self.user
        limits = powers.is_operator if where is None else powers.may(Ability.SET_LIMITS, where)
        changes = (
            powers.is_operator if where is None else powers.may(Ability.CHANGE_POLICIES, where)
        )
        return Rights(changes, limits)


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may change in a place; the doors ask again."""

    changes: bool
    limits: bool


EVERYWHERE: Final = Place()
