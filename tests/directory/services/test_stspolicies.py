"""What a domain's MTA-STS policy asks of senders (RFC 8461)."""

import pytest
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from apps.audit.models import AuditRecord
from apps.directory import stspolicies
from apps.directory.models import Domain, Organization, State, StsMode
from apps.directory.services import domains
from apps.directory.services.stspolicies import change
from apps.runtime import clock
from apps.wire.errors import InUse, InvalidName, NotFound

pytestmark = pytest.mark.django_db
NAME = "example.test"


@pytest.fixture
def domain() -> Domain:
    return domains.create(name=NAME)


def test_a_new_domain_has_none(domain: Domain) -> None:
    assert (domain.sts_mode, domain.sts_id) == (StsMode.NONE, "")
    assert stspolicies.published(NAME) is None

    change(name=NAME, mode=StsMode.NONE)  # as it is: there is nothing to withdraw
    assert stspolicies.published(NAME) is None


def test_it_is_what_the_rfc_wants(
    domain: Domain, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.MAIL_HOSTNAME = "mail.example.test"
    changed = change(name="Example.TEST", mode=StsMode.ENFORCE)

    with django_assert_num_queries(1):
        policy = stspolicies.published(NAME)

    assert policy is not None
    assert policy.text == (
        "version: STSv1\r\nmode: enforce\r\nmx: mail.example.test\r\nmax_age: 1209600\r\n"
    )
    assert policy.id == changed.sts_id
    assert policy.id.isascii()
    assert policy.id.isalnum()
    assert 1 <= len(policy.id) <= 32  # RFC 8461 section 3.1


def test_another_policy_has_another_id(
    domain: Domain, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [change(name=NAME, mode=mode).sts_id for mode in (StsMode.TESTING, StsMode.ENFORCE)]
    assert change(name=NAME, mode=StsMode.ENFORCE).sts_id == ids[1]  # says what it said

    settings.MAIL_HOSTNAME = "other.example.test"
    ids.append(change(name=NAME, mode=StsMode.ENFORCE).sts_id)
    later = clock.now() + 60
    monkeypatch.setattr(clock, "now", lambda: later)
    ids.append(change(name=NAME, mode=StsMode.TESTING).sts_id)
    ids.append(change(name=NAME, mode=StsMode.ENFORCE).sts_id)

    assert len(set(ids)) == 5


def test_one_that_is_withdrawn_says_so(domain: Domain) -> None:
    before = change(name=NAME, mode=StsMode.ENFORCE).sts_id
    change(name=NAME, mode=StsMode.NONE)

    policy = stspolicies.published(NAME)

    # RFC 8461 section 8.3: without it senders would go on to enforce the one they kept.
    assert policy is not None
    assert "mode: none\r\n" in policy.text
    assert policy.id != before


def test_an_alias_domain_has_that_of_the_domain_it_stands_for(
    domain: Domain, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    domains.create(name="alias.test", alias_of=NAME)
    mode = change(name=NAME, mode=StsMode.TESTING)

    with pytest.raises(InUse):
        change(name="alias.test", mode=StsMode.ENFORCE)
    with django_assert_num_queries(1):
        policy = stspolicies.published("alias.test")

    assert policy is not None
    assert (policy.domain, policy.mode, policy.id) == ("alias.test", StsMode.TESTING, mode.sts_id)


def test_who_gets_no_mail_publishes_none(domain: Domain) -> None:
    domains.create(name="alias.test", alias_of=NAME)
    change(name=NAME, mode=StsMode.ENFORCE)

    for state, is_there in ((State.SUSPENDED, False), (State.LOCKED, True)):
        Domain.objects.filter(name=NAME).update(state=state)
        assert (stspolicies.published(NAME) is not None) is is_there
        assert (stspolicies.published("alias.test") is not None) is is_there
    Organization.objects.update(state=State.SUSPENDED)
    assert stspolicies.published(NAME) is None


def test_what_is_not_ours_has_none(domain: Domain) -> None:
    assert stspolicies.published("other.test") is None
    with pytest.raises(NotFound):
        change(name="other.test", mode=StsMode.ENFORCE)
    with pytest.raises(InvalidName):
        change(name="no domain", mode=StsMode.ENFORCE)


def test_it_is_recorded_when_something_changes(domain: Domain) -> None:
    for mode in (StsMode.NONE, StsMode.TESTING, StsMode.TESTING):
        change(name=NAME, mode=mode)

    (kept,) = AuditRecord.objects.filter(action="domain.mta_sts")
    assert kept.subject == NAME
    assert kept.detail["mode"] == "testing"
