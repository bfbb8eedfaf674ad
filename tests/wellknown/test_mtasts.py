"""The policy host: https://mta-sts.<domain>/.well-known/mta-sts.txt (RFC 8461 section 3.3)."""

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from apps.directory.models import Domain, StsMode
from apps.directory.services import stspolicies
from apps.provisioning import services as provisioning
from apps.remote import sts
from tests.wellknown.conftest import POLICY, get


@pytest.fixture
def enforced(domain: Domain) -> Domain:
    return stspolicies.change(name=domain.name, mode=StsMode.ENFORCE)


def test_a_sender_reads_the_policy(
    enforced: Domain, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        answer = get("mta-sts.example.test", POLICY)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.content == (
        b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.test\r\nmax_age: 1209600\r\n"
    )
    assert not answer.cookies
    assert answer.headers["Cache-Control"] == "no-store"


def test_our_own_sender_understands_it(enforced: Domain) -> None:
    read = sts.parse(get("mta-sts.example.test", POLICY).content.decode(), enforced.sts_id)

    assert (read.mode, read.patterns) == ("enforce", ("mail.example.test",))


def test_names_are_read_as_the_dns_does(enforced: Domain, alias_domain: Domain) -> None:
    for host in ("MTA-STS.Example.Test", "mta-sts.example.test:443", "mta-sts.alias.test"):
        assert get(host, POLICY).status_code == 200, host


@pytest.mark.parametrize(
    "host",
    [
        "example.test",
        "mail.example.test",
        "mta-sts.other.test",
        "mta-sts.mta-sts.example.test",
        "mta-sts.",
        "mta-sts",
        "",
        "mta-sts.example.test@evil.test",
        "mta-sts.example.test/x",
        "mta-sts.' OR 1=1 --",
        "mta-sts.*",
        "mta-sts.%",
        "mta-sts.[::1]",
        "mta-sts." + "a." * 5000 + "test",
        "mta-sts.\x00.test",
    ],
)
def test_any_other_name_has_none(enforced: Domain, host: str) -> None:
    answer = get(host, POLICY)

    assert answer.status_code == 404
    assert b"test" not in answer.content


def test_it_is_not_told_in_the_clear(enforced: Domain) -> None:
    assert get("mta-sts.example.test", POLICY, secure=False).status_code == 404


def test_it_is_only_read(enforced: Domain) -> None:
    client = Client(headers={"host": "mta-sts.example.test"})
    for verb in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert client.generic(verb, POLICY, secure=True).status_code == 404
    head = client.head(POLICY, secure=True)
    assert (head.status_code, head.content) == (200, b"")


def test_a_domain_without_a_policy_has_none(domain: Domain) -> None:
    assert get("mta-sts.example.test", POLICY).status_code == 404
    stspolicies.change(name=domain.name, mode=StsMode.ENFORCE)
    stspolicies.change(name=domain.name, mode=StsMode.NONE)
    assert b"mode: none\r\n" in get("mta-sts.example.test", POLICY).content
    provisioning.suspend_domain(domain.name)
    assert get("mta-sts.example.test", POLICY).status_code == 404


def test_a_name_of_many_languages(db: None) -> None:
    provisioning.add_domain("bücher.test")
    stspolicies.change(name="bücher.test", mode=StsMode.TESTING)

    assert get("mta-sts.xn--bcher-kva.test", POLICY).status_code == 200


def test_no_other_page_is_there_under_such_a_name(enforced: Domain) -> None:
    for path in ("/", "/login/", "/.well-known/mta-sts.txt/", "/.well-known/", "/mail/"):
        assert get("mta-sts.example.test", path).status_code == 400, path
