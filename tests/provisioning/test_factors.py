"""Second factors as their owner changes them."""

import pytest
import time_machine
from django.utils import timezone

from apps.accounts import factors as reading
from apps.accounts import onetime
from apps.accounts.services import authenticators
from apps.directory.models import User
from apps.provisioning import factors, newpasswords
from apps.runtime import clock
from apps.wire.errors import AuthenticationFailed

pytestmark = pytest.mark.django_db


def test_who_was_signed_out_meanwhile_adds_none(alice: User) -> None:
    """A request of a stolen session is under way while the owner changes the password."""
    with time_machine.travel(timezone.now(), tick=False):
        secret = authenticators.start(user=alice, issuer="x").secret
        newpasswords.change_own(User.objects.get(pk=alice.pk), "a quite new sentence")

        code = onetime.code_at(secret, clock.now())
        with pytest.raises(AuthenticationFailed):
            factors.confirm_authenticator(user=alice, code=code)

        assert not reading.has_factor(alice.pk)
        alice.refresh_from_db()
        assert factors.confirm_authenticator(user=alice, code=code)
        assert reading.has_factor(alice.pk)
