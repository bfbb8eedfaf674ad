"""Django's authentication backend: the web's way to the one `authenticate`."""

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from apps.directory import authentication
from apps.directory.models import State, User, UserState
from apps.wire.errors import AuthenticationFailed


class MailhostBackend(BaseBackend):
    """Signs in by address and password; keeps a session only while the account is active."""

    def authenticate(  # type: ignore[override]
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        address: str | None = None,
    ) -> User | None:
        """Return the user, None if user or password is wrong.

        Args:
            address: the client's IP address; without it the one that the server saw.

        Raises:
            Throttled, AccountSuspended: the form says so.
        """
        if username is None or password is None:
            return None
        if address is None:
            address = str(request.META.get("REMOTE_ADDR", "")) if request is not None else ""
        try:
            principal = authentication.authenticate(
                username=username, password=password, address=address, door="web"
            )
        except AuthenticationFailed:
            return None
        return self.get_user(principal.user_id)

    def get_user(self, user_id: int) -> User | None:
        """Return an active user of an active domain and organisation, for Django's sessions."""
        user = User.objects.select_related("domain__organization").filter(pk=user_id).first()
        if user is None or user.state != UserState.ACTIVE:
            return None
        domain = user.domain
        if domain is not None and {domain.state, domain.organization.state} != {State.ACTIVE}:
            return None
        return user
