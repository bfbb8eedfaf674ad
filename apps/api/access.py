"""Who asks, by what, and what they may do: `request.auth` of every request that was let in."""

from dataclasses import dataclass

from apps.audit.acting import Actor
from apps.directory.apitokens import KnownApiToken
from apps.directory.models import User
from apps.directory.permissions import Powers


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody with a token.

    Args:
        powers: those of the user in the places of the token.
        token: None for whoever has shown a password, and on this machine's own command line, which
            is nobody.
        address: the client's IP address.
    """

    user: User | None
    powers: Powers
    token: KnownApiToken | None
    address: str

    @property
    def caller(self) -> str:
        """Whose idempotency keys and budgets these are."""
        if self.token is not None:
            return f"token/{self.token.id}"
        return "command" if self.user is None else f"user/{self.user.pk}"

    @property
    def is_at_home(self) -> bool:
        """Whether it is this machine's own command line."""
        return self.user is None and self.token is None

    def allows(self, resource: str, way: str) -> bool:
        """Whether its scopes let it read or write something."""
        return self.token is None or self.token.allows(resource, way)

    @property
    def actor(self) -> Actor | None:
        """What records of its acts say; None for whoever runs the command line."""
        if self.user is None:
            return None
        via = "" if self.token is None else self.token.shown
        return Actor("user", self.user.pk, self.user.address, "api", self.address, via=via)
