"""Browsers that are not asked for 30 days: whose, how long, and what ends it."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.accounts.models import TrustedDevice
from apps.accounts.services import trusted
from apps.audit.models import AuditRecord
from apps.directory.models import User
from apps.provisioning import services as provisioning

pytestmark = pytest.mark.django_db


def test_it_is_trusted_for_thirty_days(alice: User) -> None:
    word = trusted.trust(user=alice, client="Firefox")
    assert trusted.is_trusted(alice, word)
    with time_machine.travel(timezone.now() + timedelta(days=29)):
        assert trusted.is_trusted(alice, word)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert not trusted.is_trusted(alice, word)


def test_it_keeps_a_digest(alice: User) -> None:
    word = trusted.trust(user=alice)
    row = TrustedDevice.objects.get()
    assert len(word) == 43  # 32 octets
    assert word.encode() not in bytes(row.digest)


@pytest.mark.parametrize("word", ["", "x", "x" * 100_000, "\0", "\ud800"])
def test_it_trusts_no_word_of_anybody(alice: User, word: str) -> None:
    trusted.trust(user=alice)
    assert not trusted.is_trusted(alice, word)


def test_it_trusts_for_its_user_alone(alice: User, bob: User) -> None:
    assert not trusted.is_trusted(bob, trusted.trust(user=alice))


def test_a_new_password_ends_it(alice: User) -> None:
    word = trusted.trust(user=alice)
    provisioning.set_password(alice, "another good sentence")
    alice.refresh_from_db()
    assert not trusted.is_trusted(alice, word)


def test_it_is_forgotten_by_hand(alice: User, bob: User) -> None:
    word, other = trusted.trust(user=alice), trusted.trust(user=bob)
    assert trusted.forget_all(user=alice) == 1
    assert trusted.forget_all(user=alice) == 0
    assert not trusted.is_trusted(alice, word)
    assert trusted.is_trusted(bob, other)
    assert AuditRecord.objects.filter(action="factor.forget").count() == 1


def test_it_keeps_twenty_and_none_that_is_over(alice: User) -> None:
    first = trusted.trust(user=alice)
    for _ in range(trusted.MOST):
        last = trusted.trust(user=alice)
    assert TrustedDevice.objects.count() == trusted.MOST
    assert not trusted.is_trusted(alice, first)
    assert trusted.is_trusted(alice, last)
    TrustedDevice.objects.update(expires_at=timezone.now())
    trusted.trust(user=alice)
    assert TrustedDevice.objects.count() == 1
