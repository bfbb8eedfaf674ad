"""For whom an entry of a list or a threshold is: the server, a domain, a user."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scope:
    """The server's, unless one of the two is set."""

    domain_id: int | None = None
    user_id: int | None = None

    @property
    def text(self) -> str:
        """A short name that no other scope has."""
        if self.user_id is not None:
            return f"user {self.user_id}"
        return "server" if self.domain_id is None else f"domain {self.domain_id}"

    @property
    def whose(self) -> str:
        """As people say it, before a noun."""
        if self.user_id is not None:
            return "the reader's"
        return "the server's" if self.domain_id is None else "the domain's"


SERVER: Final = Scope()
