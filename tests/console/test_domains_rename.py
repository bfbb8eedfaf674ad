"""What another name for a domain changes is told before it is done, and afterwards."""

import re

import pytest
from django.utils import timezone

from apps.directory.models import Domain, Role, StsMode, User
from apps.directory.services import forwards
from apps.dnscheck.services import checks
from apps.provisioning import recovery
from apps.provisioning import services as provisioning
from tests.console.conftest import browser, holder
from tests.console.test_domains_page import post
from tests.console.test_users import said


def recovering(address: str, by: str, *, is_proved: bool = True) -> User:
    user, _ = provisioning.add_user(address, "correct horse battery")
    at = timezone.now() if is_proved else None
    User.objects.filter(pk=user.pk).update(recovery_address=by, recovery_confirmed_at=at)
    user.refresh_from_db()
    return user


def text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split()).replace(" .", ".")


@pytest.fixture
def reseller(domain: Domain) -> User:
    return holder("seller@example.test", Role.RESELLER, domain.organization)


@pytest.fixture
def path(domain: Domain, other_domain: Domain) -> str:
    """Two people of A and one of B recover by an address in example.test."""
    recovering("a@example.test", "b@Example.TEST")
    recovering("b@example.test", "a@example.test")
    recovering("c@example.test", "x@example.test", is_proved=False)
    recovering("d@example.test", "x@sub.example.test")
    recovering("e@other.test", "a@example.test")
    return f"/admin/domains/{domain.pk}/rename/"


def test_whose_recovery_addresses_are_concerned_is_told(
    path: str, reseller: User, operator: User
) -> None:
    mine = text(said(browser(reseller), path))
    assert "2 people have one in example.test: it works on with the mirror, and ends" in mine
    assert "of another organisation" not in mine  # of other tenants nothing is told

    all_of_it = text(said(browser(operator), path))
    assert "2 people have one in example.test" in all_of_it
    assert "1 person of another organisation has one in example.test: it ends." in all_of_it


def test_with_the_mirror_a_reseller_is_asked_nothing(path: str, reseller: User) -> None:
    answer = browser(reseller).post(path, {"name": "new.test", "keeps_alias": "1"}, follow=True)
    page = answer.content.decode()
    assert "example.test is new.test now." in page
    assert "no recovery address" not in page
    user = User.objects.get(key="a@new.test")
    assert not recovery._has_changed_hands(user)


def test_without_it_they_end_only_once_that_is_confirmed(path: str, reseller: User) -> None:
    client = browser(reseller)

    asked = client.post(path, {"name": "new.test"})

    assert asked.status_code == 422
    assert "2 people lose their recovery addresses." in text(asked.content.decode())
    assert Domain.objects.filter(name="example.test").exists()
    # Another answer than to what is so now is none.
    assert post(client, path, name="new.test", ends="1") == 422
    done = client.post(path, {"name": "new.test", "ends": "2"}, follow=True)
    assert "2 people have no recovery address that works any more." in done.content.decode()
    assert not Domain.objects.filter(name="example.test").exists()


def test_what_is_told_is_what_becomes_of_them(path: str, operator: User) -> None:
    recovering("f@other.test", "somebody@new.test")  # read elsewhere, until now
    client = browser(operator)

    asked = text(client.post(path, {"name": "new.test", "keeps_alias": "1"}).content.decode())
    assert "2 people lose their recovery addresses." in asked
    post(client, path, name="new.test", keeps_alias="1", ends="2")

    ended = [
        one.key
        for one in User.objects.exclude(recovery_confirmed_at=None).order_by("key")
        if recovery._has_changed_hands(one)
    ]
    assert ended == ["e@other.test", "f@other.test"]


def test_names_that_change_places(path: str, operator: User, domain: Domain) -> None:
    provisioning.add_domain("new.test", alias_of="example.test")
    before = timezone.now()
    User.objects.filter(key="e@other.test").update(recovery_confirmed_at=before)
    # Who proved the address when the alias was there already reads it afterwards as well.
    assert post(browser(operator), path, name="new.test", keeps_alias="1") == 302
    assert not recovery._has_changed_hands(User.objects.get(key="e@other.test"))


def test_what_else_follows_is_told(path: str, operator: User, domain: Domain) -> None:
    client = browser(operator)
    plain = text(said(client, path))
    for words in ("MTA-STS", "Mail that is sent on", "nobody is alarmed"):
        assert words not in plain
    for words in ("autoconfig, autodiscover, SRV", "counts as unsigned", "signatures"):
        assert words in plain

    Domain.objects.filter(pk=domain.pk).update(sts_mode=StsMode.ENFORCE, sts_id="x")
    checks.leave_alone(domain.pk, is_elsewhere=True)
    forwards.ask(
        user=User.objects.get(key="e@other.test"), target="A@Example.test", keeps_copy=True
    )
    provisioning.add_alias("far@other.test", ["a@example.test", "b@example.test"])
    provisioning.add_alias("near@example.test", ["a@example.test"])

    page = text(said(client, path))
    assert "It is enforced, also for the new name once its records are published" in page
    assert "nobody is alarmed about it" in page
    assert "1 forward and 1 alias of other organisations lead into example.test." in page


def test_of_others_no_forward_and_no_alias_is_told(path: str, reseller: User) -> None:
    forwards.ask(
        user=User.objects.get(key="e@other.test"), target="a@example.test", keeps_copy=True
    )
    provisioning.add_alias("far@other.test", ["a@example.test"])

    assert "Mail that is sent on" not in text(said(browser(reseller), path))


@pytest.mark.parametrize("name", ["", "%", "_" * 300, "a b", "<b>", "example.test", "\0"])
def test_a_name_that_cannot_be_is_said_beside_its_field(
    path: str, reseller: User, name: str
) -> None:
    answer = browser(reseller).post(path, {"name": name})
    assert answer.status_code == 422
    assert 'id="name-help"' in answer.content.decode()
