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


@pytest.mark.usefixtures("noon")
def test_selectors_tell_month_and_kind_and_never_come_again(domain: Domain) -> None:
    month = f"m{timezone.now():%Y%m}"
    keys.rotate(domain.name)
    keys.discard(domain.name)
    keys.rotate(domain.name)
    selectors = {row.selector for row in dkim.keys_of(domain.name)}
    assert selectors == {f"{month}r", f"{month}e", f"{month}r2", f"{month}e2"}


def test_rotation_makes_the_next_keys_while_the_old_ones_sign(domain: Domain) -> None:
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
    new = {key.algorithm: key.selector for key in keys.rotate(domain.name)}
    keys.activate(domain.name, [new["ed25519"]])
    states = {row.selector: row.state for row in dkim.keys_of(domain.name)}
    assert states[new["rsa"]] == DkimState.PENDING
    assert [one.key.algorithm for one in dkim.signers(domain.name)] == list(Algorithm)
    assert [one.selector == new["ed25519"] for one in dkim.signers(domain.name)] == [False, True]


def test_it_rotates_once_at_a_time(domain: Domain) -> None:
    keys.rotate(domain.name)
    with pytest.raises(InUse, match="pending keys"):
        keys.rotate(domain.name)
    with pytest.raises(NotFound):
        keys.rotate("elsewhere.test")


def test_keys_that_do_not_sign_yet_can_be_dropped(domain: Domain) -> None:
    before = _states(domain)
    keys.rotate(domain.name)
    assert keys.discard(domain.name) == 2
    assert _states(domain) == before
    assert keys.discard(domain.name) == 0


def test_a_retiring_key_stays_until_its_last_mail_has_bounced(
    domain: Domain, settings: Settings
) -> None:
    settings.BOUNCE_AFTER = 5 * 86_400
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
    first = [row.selector for row in dkim.keys_of(domain.name)]
    second = [key.selector for key in keys.rotate(domain.name)]
    assert [key.selector for key in keys.rotate(other_domain.name)] == second
    assert keys.activate(domain.name, first) == []
    assert len(keys.activate(domain.name, second)) == 2
    assert keys.activate(domain.name, second) == []
    assert {one.selector for one in dkim.signers(other_domain.name)} == set(first)


def test_domains_without_keys_get_some(domain: Domain, other_domain: Domain) -> None:
    DkimKey.objects.filter(domain=domain).delete()
    DkimKey.objects.filter(domain=other_domain, algorithm="rsa").delete()
    assert keys.supply(1) == 1
    assert keys.supply(10) == 1
    assert keys.supply(10) == 0
    for one in (domain, other_domain):
        assert sorted(_states(one)) == [("e", "active"), ("r", "active")]


def test_an_erased_key_is_gone_and_another_made(domain: Domain) -> None:
    erased = dkim.signers(domain.name)[0].selector
    keys.erase(domain.name, erased)
    assert len(dkim.signers(domain.name)) == 1
    row = DkimKey.objects.get(domain=domain, selector=erased)
    assert (row.state, bytes(row.secret)) == (DkimState.RETIRED, b"")
    assert keys.supply(10) == 1
    assert len(dkim.signers(domain.name)) == 2
    with pytest.raises(NotFound):
        keys.erase(domain.name, "nothing")


def test_the_next_key_takes_the_place_of_an_erased_one(domain: Domain) -> None:
    first = dkim.signers(domain.name)[0].selector
    second = {key.algorithm: key.selector for key in keys.rotate(domain.name)}
    keys.erase(domain.name, first)
    assert dkim.signers(domain.name)[0].selector == second["rsa"]
    keys.erase(domain.name, second["ed25519"])
    assert [one.selector == second["rsa"] for one in dkim.signers(domain.name)] == [True, False]
    assert keys.supply(10) == 0


def test_keys_go_with_their_domain(domain: Domain) -> None:

    services.remove_domain(domain.name)
    assert not DkimKey.objects.exists()
