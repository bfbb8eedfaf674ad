"""Keys, limits and servers of a domain, and its records, in the hands of who administers it."""

from collections.abc import Callable

import pytest

from apps.directory.models import (
    Demand,
    DkimKey,
    DkimState,
    Domain,
    DomainKind,
    RelayCheck,
    SendLimit,
    Sternness,
    Transport,
)
from apps.directory.permissions import Powers
from apps.directory.services.domains import Reception
from apps.directory.services.signinrules import SignInRules
from apps.directory.services.transports import Server
from apps.dnscheck.models import DomainCheck
from apps.provisioning import services as provisioning
from apps.provisioning.administration import dnschecks, domains, sending, servers
from apps.wire.errors import AlreadyExists, InUse, InvalidName, NotFound, NotPermitted

Act = Callable[[Powers, int], object]
BY_ADMINISTRATORS: dict[str, Act] = {
    "rotate": lambda powers, pk: sending.rotate_keys(powers=powers, domain_id=pk),
    "activate": lambda powers, pk: sending.activate_keys(powers=powers, domain_id=pk, force=True),
    "discard": lambda powers, pk: sending.discard_keys(powers=powers, domain_id=pk),
    "alone": lambda powers, pk: dnschecks.leave_alone(
        powers=powers, domain_id=pk, is_elsewhere=True
    ),
    "leave": lambda powers, pk: dnschecks.leave(
        powers=powers, domain_id=pk, record_id="mx", is_left=True
    ),
    "copy": lambda powers, pk: domains.copy_settings(
        powers=powers, domain_id=pk, source="example.test"
    ),
}
BY_OPERATORS: dict[str, Act] = {
    "limits": lambda powers, pk: sending.set_limits(
        powers=powers, domain_id=pk, changes={"messages_per_day": 0}
    ),
    "relay": lambda powers, pk: servers.set_relay(
        powers=powers, domain_id=pk, check=RelayCheck.ANY
    ),
    "smarthost": lambda powers, pk: servers.set_smarthost(
        powers=powers, domain_id=pk, server=Server("smart.test")
    ),
    "no smarthost": lambda powers, pk: servers.remove_smarthost(powers=powers, domain_id=pk),
}


@pytest.mark.parametrize("act", [*BY_ADMINISTRATORS.values(), *BY_OPERATORS.values()])
def test_what_is_out_of_sight_is_not_found(
    admin: Powers, reseller: Powers, other_domain: Domain, act: Act
) -> None:
    for powers in (admin, reseller):
        for number in (other_domain.pk, 999_999):
            with pytest.raises(NotFound, match=f"domain {number}"):
                act(powers, number)


@pytest.mark.parametrize("act", BY_ADMINISTRATORS.values())
def test_a_helpdesk_changes_nothing_of_it(helpdesk: Powers, domain: Domain, act: Act) -> None:
    with pytest.raises(NotPermitted):
        act(helpdesk, domain.pk)


@pytest.mark.parametrize("act", BY_OPERATORS.values())
def test_whom_a_limit_binds_does_not_lift_it(
    admin: Powers, reseller: Powers, helpdesk: Powers, domain: Domain, act: Act
) -> None:
    for powers in (admin, reseller, helpdesk):
        with pytest.raises(NotPermitted):
            act(powers, domain.pk)
    assert not SendLimit.objects.exists()
    assert not Transport.objects.exists()


def test_an_administrator_rotates_keys(admin: Powers, domain: Domain) -> None:
    made = sending.rotate_keys(powers=admin, domain_id=domain.pk)
    with pytest.raises(InUse):
        sending.rotate_keys(powers=admin, domain_id=domain.pk)

    looked = sending.activate_keys(powers=admin, domain_id=domain.pk, force=True)

    assert sorted(row.selector for row, _ in looked) == sorted(made)
    active = DkimKey.objects.filter(domain=domain, state=DkimState.ACTIVE)
    assert sorted(active.values_list("selector", flat=True)) == sorted(made)


def test_everybody_who_sees_a_domain_has_it_checked(
    helpdesk: Powers, domain: Domain, other_domain: Domain
) -> None:
    dnschecks.request(powers=helpdesk, domain_id=domain.pk)
    with pytest.raises(NotFound):
        dnschecks.request(powers=helpdesk, domain_id=other_domain.pk)

    assert DomainCheck.objects.get().domain == domain


def test_a_relay_has_a_server_and_an_end(operator: Powers, domain: Domain) -> None:
    server = Server("192.0.2.9")
    servers.set_relay(powers=operator, domain_id=domain.pk, check=RelayCheck.LIST, server=server)
    domain.refresh_from_db()
    assert (domain.kind, domain.relay_check) == (DomainKind.RELAY, RelayCheck.LIST)
    assert Transport.objects.get(scope="recipient").domain == "example.test"

    servers.set_relay(powers=operator, domain_id=domain.pk, check=None)

    domain.refresh_from_db()
    assert domain.kind == DomainKind.HOSTED


def test_a_server_that_cannot_be_makes_no_relay(operator: Powers, domain: Domain) -> None:
    with pytest.raises(InvalidName):
        servers.set_relay(
            powers=operator, domain_id=domain.pk, check=RelayCheck.ANY, server=Server("no host")
        )

    domain.refresh_from_db()
    assert domain.kind == DomainKind.HOSTED


def test_settings_are_copied(reseller: Powers, domain: Domain, second: Domain) -> None:
    domains.change_policies(
        powers=reseller,
        domain_id=second.pk,
        separator="-",
        reception=Reception(dmarc_policy=Sternness.JUNK, greylists=True),
        sign_in=SignInRules(factor_demand=Demand.EVERYBODY, password_length=14),
    )

    copied = domains.copy_settings(powers=reseller, domain_id=domain.pk, source="SECOND.test.")

    assert (copied.detail_separator, copied.dmarc_policy) == ("-", Sternness.JUNK)
    assert (copied.greylists, copied.factor_demand) == (True, Demand.EVERYBODY)
    assert copied.password_length == 14


def test_mirrors_have_no_settings_to_copy(reseller: Powers, domain: Domain) -> None:
    mirror = provisioning.add_domain("mirror.test", alias_of="example.test")

    with pytest.raises(InUse):
        domains.copy_settings(powers=reseller, domain_id=domain.pk, source="mirror.test")
    with pytest.raises(InUse):
        domains.copy_settings(powers=reseller, domain_id=mirror.pk, source="example.test")


def test_a_reseller_renames_its_domain(
    reseller: Powers, domain: Domain, other_domain: Domain
) -> None:
    for wrong in ("other.test", "OTHER.test.", "sub.other.test", "co.uk"):
        with pytest.raises((AlreadyExists, InvalidName)):
            domains.rename(powers=reseller, domain_id=domain.pk, name=wrong)
    with pytest.raises(InvalidName):
        domains.rename(powers=reseller, domain_id=domain.pk, name="Example.test.")

    done = domains.rename(powers=reseller, domain_id=domain.pk, name="new.test", keeps_alias=False)

    assert (done.domain.name, done.before) == ("new.test", "example.test")
    assert not Domain.objects.filter(name="example.test").exists()


def test_administrators_of_a_domain_do_not_rename_it(admin: Powers, domain: Domain) -> None:
    with pytest.raises(NotPermitted):
        domains.rename(powers=admin, domain_id=domain.pk, name="new.test")
