"""The life of DKIM keys: made, taking over, retiring, gone."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.directory import dkim
from apps.directory.models import DkimKey, DkimState, Domain
from apps.directory.services import dkim as keys
from apps.mailauth.keys import Algorithm
from apps.provisioning import services
from apps.wire.errors import InUse, NotFound

pytestmark = pytest.mark.django_db


def _states(domain: Domain) -> list[tuple[str, str]]:
    return [(row.selector[-1], row.state) for row in dkim.keys_of(domain.name)]


def _activate(domain: Domain) -> list[DkimKey]:
    return keys.activate(domain.name, [row.selector for row in dkim.keys_of(domain.name)])


def test_selectors_tell_month_and_kind_and_never_come_again(domain: Domain) -> None:
    month = f"m{timezone.now():%Y%m}"
    _activate(domain)
    keys.rotate(domain.name)
    keys.discard(domain.name)
    keys.rotate(domain.name)
    selectors = {row.selector for row in dkim.keys_of(domain.name)}
    assert selectors == {f"{month}r", f"{month}e", f"{month}r2", f"{month}e2"}


def test_rotation_makes_the_next_keys_while_the_old_ones_sign(domain: Domain) -> None:
    _activate(domain)
    before = [one.selector for one in dkim.signers(domain.name)]
    made = keys.rotate(domain.name)
    assert {key.state for key in made} == {DkimState.PENDING}
    assert [one.selector for one in dkim.signers(domain.name)] == before
    after = keys.activate(domain.name, [key.selector for key in made])
    assert {key.state for key in after} == {DkimState.ACTIVE}
    assert {one.selector for one in dkim.signers(domain.name)} == {key.selector for key in made}
    old = [row.state for row in dkim.keys_of(domain.name) if row.selector in before]
    assert old == [DkimState.RETIRING] * 2


def test_each_kind_takes_over_on_its_own(domain: Domain) -> None:
    _activate(domain)
    new = {key.algorithm: key.selector for key in keys.rotate(domain.name)}
    keys.activate(domain.name, [new["ed25519"]])
    states = {row.selector: row.state for row in dkim.keys_of(domain.name)}
    assert states[new["rsa"]] == DkimState.PENDING
    assert [one.key.algorithm for one in dkim.signers(domain.name)] == list(Algorithm)
    assert [one.selector == new["ed25519"] for one in dkim.signers(domain.name)] == [False, True]


def test_it_rotates_once_at_a_time(domain: Domain) -> None:
    with pytest.raises(InUse, match="pending keys"):
        keys.rotate(domain.name)
    with pytest.raises(NotFound):
        keys.rotate("elsewhere.test")


def test_the_only_keys_of_a_domain_are_not_discarded(domain: Domain) -> None:
    with pytest.raises(InUse):
        keys.discard(domain.name)
    _activate(domain)
    keys.rotate(domain.name)
    assert keys.discard(domain.name) == 2
    assert len(dkim.signers(domain.name)) == 2


def test_a_retiring_key_stays_until_its_last_mail_has_bounced(
    domain: Domain, settings: Settings
) -> None:
    settings.BOUNCE_AFTER = 5 * 86_400
    _activate(domain)
    made = keys.rotate(domain.name)
    keys.activate(domain.name, [key.selector for key in made])
    now = timezone.now()
    assert keys.retire(now + timedelta(days=6)) == 0
    assert keys.retire(now + timedelta(days=8)) == 2
    retired = DkimKey.objects.filter(state=DkimState.RETIRED)
    assert [bytes(key.secret) for key in retired] == [b"", b""]
    assert len(dkim.signers(domain.name)) == 2


def test_only_pending_keys_of_the_domain_are_activated(
    domain: Domain, other_domain: Domain
) -> None:
    selectors = [row.selector for row in dkim.keys_of(domain.name)]
    assert [row.selector for row in dkim.keys_of(other_domain.name)] == selectors
    _activate(domain)
    assert dkim.signers(other_domain.name) == []
    assert keys.activate(domain.name, selectors) == []
    keys.rotate(domain.name)
    assert keys.activate(domain.name, selectors) == []
    assert len(dkim.signers(domain.name)) == 2


def test_domains_without_keys_get_some(domain: Domain, other_domain: Domain) -> None:
    DkimKey.objects.filter(domain=domain).delete()
    DkimKey.objects.filter(domain=other_domain, algorithm="rsa").delete()
    assert keys.supply(1) == 1
    assert keys.supply(10) == 1
    assert keys.supply(10) == 0
    for one in (domain, other_domain):
        assert sorted(_states(one)) == [("e", "pending"), ("r", "pending")]


def test_a_retired_domain_key_is_replaced(domain: Domain) -> None:
    selectors = [key.selector for key in _activate(domain)]
    keys.erase(domain.name, selectors[0])
    assert len(dkim.signers(domain.name)) == 1
    erased = DkimKey.objects.get(domain=domain, selector=selectors[0])
    assert (erased.state, bytes(erased.secret)) == (DkimState.RETIRED, b"")
    assert keys.supply(10) == 1
    with pytest.raises(NotFound):
        keys.erase(domain.name, "nothing")


def test_keys_go_with_their_domain(domain: Domain) -> None:

    services.remove_domain(domain.name)
    assert not DkimKey.objects.exists()
