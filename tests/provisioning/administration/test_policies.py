"""Who changes policies, lists and limits, and where."""

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Domain, TransportScope, User
from apps.directory.permissions import Powers
from apps.directory.services.transports import Server
from apps.provisioning import services as provisioning
from apps.provisioning.administration import limits, lists, outbound, policies
from apps.provisioning.administration.lists import WrongLines
from apps.provisioning.administration.policies import Changed
from apps.remote.models import TlsMode
from apps.scan.attachments.policy import What
from apps.scan.models import ListEntry, Threshold, Verb
from apps.scan.services.thresholds import Change
from apps.wire.errors import NotFound, NotPermitted


def test_a_domain_is_its_administrators(admin: Powers, helpdesk: Powers, domain: Domain) -> None:
    policies.set_thresholds(powers=admin, domain_id=domain.pk, wanted=Change(junk=4.0))
    assert Threshold.objects.get(domain=domain).junk == 4
    with pytest.raises(NotPermitted):
        policies.set_thresholds(powers=helpdesk, domain_id=domain.pk, wanted=Change(junk=3.0))
    with pytest.raises(NotPermitted):
        policies.set_thresholds(powers=admin, domain_id=domain.pk, wanted=Change(hold=1.0))


def test_another_tenants_is_not_there(admin: Powers, other_domain: Domain) -> None:
    with pytest.raises(NotFound):
        policies.set_thresholds(powers=admin, domain_id=other_domain.pk, wanted=Change(junk=4.0))
    with pytest.raises(NotFound):
        lists.add(powers=admin, domain_id=other_domain.pk, verb=Verb.BLOCK, senders=["a.test"])
    with pytest.raises(NotFound):
        policies.set_file(
            powers=admin, domain_id=other_domain.pk, what=What.ENDING, value="exe", action="allow"
        )


def test_what_is_for_all_is_for_operators(reseller: Powers, operator: Powers) -> None:
    with pytest.raises(NotPermitted):
        policies.set_thresholds(powers=reseller, wanted=Change(junk=4.0))
    with pytest.raises(NotPermitted):
        lists.add(powers=reseller, verb=Verb.BLOCK, senders=["a.test"])
    with pytest.raises(NotPermitted):
        policies.set_points(powers=reseller, rule="X", points=1)
    with pytest.raises(NotPermitted):
        outbound.set_tls(powers=reseller, domain="a.test", mode=TlsMode.NONE)
    with pytest.raises(NotPermitted):
        outbound.set_transport(
            powers=reseller, scope=TransportScope.ALL, domain="", server=Server("a.test")
        )
    made = Changed("a.test", None, (TlsMode.NONE, ()))
    for put_back in (policies.put_points_back, outbound.put_tls_back):
        with pytest.raises(NotPermitted):
            put_back(powers=reseller, changed=made)
    with pytest.raises(NotPermitted):
        outbound.put_transport_back(powers=reseller, scope=TransportScope.ALL, changed=made)
    done = outbound.set_tls(powers=operator, domain=".A.test", mode=TlsMode.NONE)
    assert done == Changed(".a.test", None, (TlsMode.NONE, ()))
    assert AuditRecord.objects.filter(action="tlspolicy.set").count() == 1


def test_no_line_is_added_if_one_is_wrong(admin: Powers, domain: Domain) -> None:
    with pytest.raises(WrongLines) as raised:
        lists.add(powers=admin, domain_id=domain.pk, verb=Verb.BLOCK, senders=["a.test", "", "b c"])
    assert [(one.line, one.text) for one in raised.value.wrong] == [(3, "b c")]
    assert ListEntry.objects.count() == 0


def test_a_users_limits_are_set_by_who_sets_limits(
    admin: Powers, operator: Powers, domain: Domain
) -> None:
    user: User = provisioning.add_user("u@example.test", "correct horse battery")[0]
    with pytest.raises(NotPermitted):
        limits.set_user(powers=admin, user_id=user.pk, changes={"messages_per_hour": 9})
    row = limits.set_user(powers=operator, user_id=user.pk, changes={"messages_per_hour": 9})
    assert row.messages_per_hour == 9
