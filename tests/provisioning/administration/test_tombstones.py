"""Removed users stay with whom they were removed from, whatever becomes of the domain's name."""

import pytest

from apps.directory.models import Domain, User
from apps.directory.permissions import Powers
from apps.provisioning import services as provisioning
from apps.provisioning.administration import domains, sight, tombstones
from apps.wire.errors import NotFound


def gone(address: str) -> User:
    user, _ = provisioning.add_user(address, "correct horse battery")
    provisioning.remove_user(user.key)
    return User.objects.get(pk=user.pk)


def test_a_name_that_was_anothers_brings_none_of_its_removed_users(
    domain: Domain, reseller: Powers, other_domain: Domain
) -> None:
    """They would come with their mail. The own ones from before stay, or become the operator's."""
    stranger = gone("secret@other.test")
    provisioning.remove_domain("other.test", force=True)
    domains.rename(powers=reseller, domain_id=domain.pk, name="other.test")
    assert not tombstones.in_sight(reseller).filter(pk=stranger.pk).exists()
    with pytest.raises(NotFound):
        tombstones.restore(powers=reseller, user_id=stranger.pk)
    fresh = gone("fresh@other.test")
    assert tombstones.restore(powers=reseller, user_id=fresh.pk).address == "fresh@other.test"


def test_nor_do_they_follow_that_domain_to_its_next_name(
    domain: Domain, reseller: Powers, other_domain: Domain
) -> None:
    stranger = gone("secret@other.test")
    provisioning.remove_domain("other.test", force=True)
    domains.rename(powers=reseller, domain_id=domain.pk, name="other.test", keeps_alias=False)
    domains.rename(powers=reseller, domain_id=domain.pk, name="third.test", keeps_alias=False)
    stranger.refresh_from_db()
    assert stranger.address == "secret@other.test"
    assert not tombstones.in_sight(reseller).filter(pk=stranger.pk).exists()


def test_the_own_removed_users_follow_a_rename(domain: Domain, reseller: Powers) -> None:
    mine = gone("former@example.test")
    domains.rename(powers=reseller, domain_id=domain.pk, name="fresh.test")
    back = tombstones.restore(powers=reseller, user_id=mine.pk)
    assert back.address == "former@fresh.test"
    assert sight.find_user(reseller, back.pk).domain == domain
