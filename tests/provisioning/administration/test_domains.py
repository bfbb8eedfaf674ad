"""Domains in the hands of resellers: their own, within limits, and never what is another's."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.directory.models import Domain, Role, State, Sternness, StsMode, User
from apps.directory.permissions import Powers
from apps.directory.services import organizations
from apps.directory.services.domains import Reception
from apps.provisioning import services as provisioning
from apps.provisioning.administration import domains
from apps.wire.errors import (
    AlreadyExists,
    InvalidName,
    LimitReached,
    MailError,
    NotFound,
    NotPermitted,
)
from tests.provisioning.administration.conftest import give


def test_a_reseller_adds_domains_to_its_organisation(reseller: Powers, domain: Domain) -> None:
    added = domains.add(powers=reseller, name="Bücher.test.")

    assert added.name == "xn--bcher-kva.test"
    assert added.organization == domain.organization


def test_an_alias_domain_stands_for_ones_own(
    reseller: Powers, domain: Domain, other_domain: Domain
) -> None:
    added = domains.add(powers=reseller, name="alias.test", alias_of="example.test")
    assert added.organization == domain.organization

    with pytest.raises(NotFound):
        domains.add(powers=reseller, name="more.test", alias_of="other.test")


def test_administrators_of_a_domain_add_none(
    admin: Powers, helpdesk: Powers, domain: Domain
) -> None:
    for powers in (admin, helpdesk):
        with pytest.raises(NotPermitted):
            domains.add(powers=powers, name="new.test")
        with pytest.raises(NotFound):
            domains.add(powers=powers, name="new.test", organization_id=domain.organization_id)
        with pytest.raises(NotPermitted):
            domains.remove(powers=powers, domain_id=domain.pk)
        with pytest.raises(NotPermitted):
            domains.set_state(powers=powers, domain_id=domain.pk, state=State.SUSPENDED)


def test_no_domain_is_added_to_anothers_organisation(
    reseller: Powers, other_domain: Domain
) -> None:
    with pytest.raises(NotFound):
        domains.add(powers=reseller, name="new.test", organization_id=other_domain.organization_id)


@pytest.mark.parametrize(
    "name",
    [
        "straße.other-tenant.test",  # a label below theirs
        "other.test",
        "OTHER.Test",
        "other.test.",
        "ｏｔｈｅｒ.test",  # noqa: RUF001  (full-width letters)
        "other。test",
        "mail.other.test",
        "a.b.c.other.test",
        "bücher.test",
        "BÜCHER.test",
        "xn--bcher-kva.test",
        "XN--BCHER-KVA.TEST.",
        "shop.bücher.test",
        "other-tenant.test",
        "tenant.test",  # above theirs
        "elsewhere.test",  # where the operator has an address
    ],
)
def test_what_another_has_is_refused_however_it_is_written(
    reseller: Powers, operator: Powers, other_domain: Domain, name: str
) -> None:
    for theirs in ("bücher.test", "other-tenant.test", "sub.tenant.test"):
        provisioning.add_domain(theirs, organization="B")
    count = Domain.objects.count()

    with pytest.raises(AlreadyExists):
        domains.add(powers=reseller, name=name)

    assert Domain.objects.count() == count


def test_refusals_tell_nothing_of_what_is_there(
    reseller: Powers, operator: Powers, other_domain: Domain
) -> None:
    said = set()
    for name in ("other.test", "sub.other.test", "elsewhere.test"):
        with pytest.raises(AlreadyExists) as caught:
            domains.add(powers=reseller, name=name)
        said.add(caught.value.reply.text.replace(name, "NAME"))

    assert len(said) == 1


@pytest.mark.parametrize("name", ["mx.host.test", "host.test", "a.mx.host.test", "MX.Host.Test."])
def test_the_name_of_this_host_is_no_tenants(
    reseller: Powers, settings: Settings, name: str
) -> None:
    """Whoever reads admin@ of a host's name gets certificates for it."""
    settings.MAIL_HOSTNAME = "mx.host.test"

    with pytest.raises(AlreadyExists):
        domains.add(powers=reseller, name=name)
    assert domains.add(powers=reseller, name="my.host.test").name == "my.host.test"


def test_nobody_takes_the_mail_to_anothers_recovery_address(
    reseller: Powers, operator: Powers, domain: Domain
) -> None:
    """A link for a new password goes there: it would be delivered here."""
    at = timezone.now()
    theirs = User.objects.filter(pk=operator.user_id)
    theirs.update(recovery_address="root@private.test", recovery_confirmed_at=at)
    mine = User.objects.filter(pk=reseller.user_id)
    mine.update(recovery_address="seller@shop.test", recovery_confirmed_at=at)

    with pytest.raises(AlreadyExists):
        domains.add(powers=reseller, name="Private.test")
    assert domains.add(powers=reseller, name="shop.test").name == "shop.test"


def test_nobody_claims_what_everybody_registers_under(reseller: Powers) -> None:
    with pytest.raises(InvalidName):
        domains.add(powers=reseller, name="co.uk")


def test_below_ones_own_is_ones_own(reseller: Powers, operator: Powers, domain: Domain) -> None:
    assert domains.add(powers=reseller, name="sub.example.test").name == "sub.example.test"
    with pytest.raises(AlreadyExists):
        domains.add(powers=reseller, name="sub.example.test")


def test_an_operator_may_add_below_anybody(operator: Powers, other_domain: Domain) -> None:
    assert domains.add(
        powers=operator,
        name="sub.other.test",
        organization_id=other_domain.organization_id,
    )


def test_limits_of_domains_hold_for_resellers(
    reseller: Powers, operator: Powers, domain: Domain
) -> None:
    organizations.set_limits(organization_id=domain.organization_id, max_domains=1)

    with pytest.raises(LimitReached):
        domains.add(powers=reseller, name="new.test")
    with pytest.raises(LimitReached):
        domains.add(powers=reseller, name="new.test", alias_of="example.test")
    domains.add(powers=operator, name="new.test", organization_id=domain.organization_id)


def test_policies_are_changed_in_sight_only(
    admin: Powers, helpdesk: Powers, domain: Domain, other_domain: Domain, second: Domain
) -> None:
    changed = domains.change_policies(
        powers=admin,
        domain_id=domain.pk,
        reception=Reception(dmarc_policy=Sternness.JUNK, greylists=True),
    )
    assert (changed.dmarc_policy, changed.greylists) == (Sternness.JUNK, True)

    for hidden in (other_domain, second):
        with pytest.raises(NotFound):
            domains.change_policies(powers=admin, domain_id=hidden.pk, separator="-")
    with pytest.raises(NotPermitted):
        domains.change_policies(powers=helpdesk, domain_id=domain.pk, separator="-")


def test_nobody_suspends_or_removes_the_domain_of_an_operator(
    reseller: Powers, operator: Powers, domain: Domain, alice: User
) -> None:
    give(alice, Role.OPERATOR)

    with pytest.raises(NotPermitted):
        domains.set_state(powers=reseller, domain_id=domain.pk, state=State.SUSPENDED)
    with pytest.raises(NotPermitted):
        domains.remove(powers=reseller, domain_id=domain.pk, force=True)
    locked = domains.set_state(powers=operator, domain_id=domain.pk, state=State.LOCKED)
    assert locked.state == State.LOCKED


def test_a_reseller_removes_its_own_only(
    reseller: Powers, second: Domain, other_domain: Domain
) -> None:
    domains.remove(powers=reseller, domain_id=second.pk)

    assert not Domain.objects.filter(name="second.test").exists()
    for pk in (other_domain.pk, second.pk):
        with pytest.raises(MailError) as caught:
            domains.remove(powers=reseller, domain_id=pk, force=True)
        assert caught.value.reply.text == "There is no such domain"


def test_an_administrator_sets_the_policy_for_senders(
    admin: Powers, helpdesk: Powers, domain: Domain, other_domain: Domain
) -> None:
    changed = domains.set_sts(powers=admin, domain_id=domain.pk, mode=StsMode.TESTING)

    domain.refresh_from_db()
    assert (domain.sts_mode, domain.sts_id) == (StsMode.TESTING, changed.sts_id)
    with pytest.raises(NotPermitted):
        domains.set_sts(powers=helpdesk, domain_id=domain.pk, mode=StsMode.NONE)
    with pytest.raises(NotFound):
        domains.set_sts(powers=admin, domain_id=other_domain.pk, mode=StsMode.ENFORCE)
