"""Thunderbird's file of settings."""

from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from apps.directory.models import Domain, RelayCheck
from apps.directory.services import relay
from apps.provisioning import services as provisioning
from mailhost.env import Endpoint
from tests.wellknown.conftest import get

FILE = "/mail/config-v1.1.xml"
WELLKNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"


@pytest.fixture
def doors(settings: Settings) -> None:
    for name in ("IMAP", "IMAPS", "POP3", "POP3S", "SUBMISSION", "SUBMISSIONS"):
        setattr(settings, f"{name}_LISTEN", None)
    settings.IMAPS_LISTEN = Endpoint("0.0.0.0", 993)
    settings.SUBMISSION_LISTEN = Endpoint("0.0.0.0", 587)


def told(answer: Any) -> list[dict[str, str | None]]:
    (provider,) = fromstring(answer.content)
    return [
        {"what": one.tag, **one.attrib, **{field.tag: field.text for field in one}}
        for one in provider
        if one.tag.endswith("Server")
    ]


def test_it_names_the_doors_that_are_open(
    domain: Domain, doors: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        answer = get("autoconfig.example.test", FILE, {"emailaddress": "alice@example.test"})

    assert answer.status_code == 200
    assert not answer.cookies
    assert told(answer) == [
        {
            "what": "incomingServer",
            "type": "imap",
            "hostname": "mail.example.test",
            "port": "993",
            "socketType": "SSL",
            "authentication": "password-cleartext",
            "username": "%EMAILADDRESS%",
        },
        {
            "what": "outgoingServer",
            "type": "smtp",
            "hostname": "mail.example.test",
            "port": "587",
            "socketType": "STARTTLS",
            "authentication": "password-cleartext",
            "username": "%EMAILADDRESS%",
        },
    ]


@pytest.mark.parametrize(
    ("host", "path", "query"),
    [
        ("autoconfig.example.test", FILE, {}),
        ("example.test", WELLKNOWN, {}),
        ("example.test", WELLKNOWN, {"emailaddress": "alice@example.test"}),
        ("autoconfig.alias.test", FILE, {"emailaddress": "alice@alias.test"}),
        # Programs that know our MX ask there for the domain of the address.
        ("autoconfig.mail.example.test", FILE, {"emailaddress": "alice@EXAMPLE.test"}),
        ("autoconfig.example.test", FILE, {"emailaddress": "no address"}),
    ],
)
def test_it_is_asked_in_many_ways(
    alias_domain: Domain, host: str, path: str, query: dict[str, str]
) -> None:
    assert get(host, path, query).status_code == 200
    assert get(host, path, query, secure=False).status_code == 200


def test_it_does_not_tell_who_exists(domain: Domain) -> None:
    provisioning.add_user("alice@example.test", "correct horse battery")

    answers = {
        get("autoconfig.example.test", FILE, {"emailaddress": f"{name}@example.test"}).content
        for name in ("alice", "nobody", "postmaster", "<b>")
    }

    assert len(answers) == 1


@pytest.mark.parametrize(
    ("host", "query"),
    [
        ("autoconfig.other.test", {}),
        ("autoconfig.example.test", {"emailaddress": "alice@other.test"}),
        ("autoconfig.", {}),
        ("", {}),
        ("<script>", {}),
        ("autoconfig.other.test", {"emailaddress": "a" * 100_000}),
        ("localhost", {"emailaddress": "alice@xn--99zzzz.test"}),
    ],
)
def test_what_is_not_ours_is_not_there(domain: Domain, host: str, query: dict[str, str]) -> None:
    answer = get(host, FILE, query)

    assert answer.status_code == 404
    assert b"<" not in answer.content


def test_whose_mailboxes_are_not_here_is_not_set_up(alias_domain: Domain) -> None:
    names = ("example.test", "alias.test")
    provisioning.suspend_domain("example.test")
    assert [get(f"autoconfig.{name}", FILE).status_code for name in names] == [404, 404]

    provisioning.resume_domain("example.test")
    assert [get(f"autoconfig.{name}", FILE).status_code for name in names] == [200, 200]

    relayed = provisioning.add_domain("relayed.test")
    relay.set_relay(domain=relayed, check=RelayCheck.ANY)
    assert get("autoconfig.relayed.test", FILE).status_code == 404
