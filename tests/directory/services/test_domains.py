"""Domains: their names, alias domains, deletion."""

import pytest

from apps.directory.models import Alias, Domain, Organization, State, User
from apps.directory.services import domains
from apps.wire.errors import AlreadyExists, InUse, InvalidName, NotFound


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.TEST", "example.test"),
        (" example.test. ", "example.test"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.EXAMPLE", "xn--bcher-kva.example"),
        ("a-b.c.test", "a-b.c.test"),
    ],
)
def test_it_keeps_one_form_of_a_name(db: None, text: str, name: str) -> None:
    assert domains.create(name=text).name == name
    assert domains.find(text).name == name
    with pytest.raises(AlreadyExists):
        domains.create(name=name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "localhost",
        "a b.test",
        "-a.test",
        "[192.0.2.1]",
        "192.0.2.1",
        "a..test",
        "a@b.test",
        "x" * 64 + ".test",
        "a." * 127 + "test",
        "a\0.test",
        "a\r\n.test",
        "*.test",
        "a.\u202etest",
    ],
)
def test_it_refuses_what_is_no_domain(db: None, text: str) -> None:
    with pytest.raises(InvalidName):
        domains.create(name=text)


def test_it_puts_domains_into_organisations(db: None) -> None:
    one = domains.create(name="one.test")
    two = domains.create(name="two.test", organization="Acme")
    three = domains.create(name="three.test", organization="Acme")

    assert one.organization.name == domains.DEFAULT_ORGANIZATION
    assert two.organization == three.organization != one.organization
    assert Organization.objects.count() == 2


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201, "\u202eAcme"])
def test_it_refuses_odd_names_of_organisations(db: None, name: str) -> None:
    with pytest.raises(InvalidName):
        domains.create(name="one.test", organization=name)


def test_it_makes_alias_domains_one_deep(db: None) -> None:
    target = domains.create(name="one.test", organization="Acme")
    alias = domains.create(name="two.test", alias_of="ONE.test")

    assert alias.alias_of == target
    assert alias.organization == target.organization
    with pytest.raises(InUse):
        domains.create(name="three.test", alias_of="two.test")
    with pytest.raises(NotFound):
        domains.create(name="three.test", alias_of="missing.test")
    with pytest.raises(NotFound):
        domains.create(name="three.test", alias_of="three.test")


def test_it_suspends_and_resumes(db: None) -> None:
    domains.create(name="one.test")

    assert domains.set_state(name="ONE.test", state=State.SUSPENDED).state == State.SUSPENDED
    assert Domain.objects.get().state == State.SUSPENDED
    domains.set_state(name="one.test", state=State.ACTIVE)
    assert Domain.objects.get().state == State.ACTIVE
    with pytest.raises(NotFound):
        domains.set_state(name="two.test", state=State.ACTIVE)


def test_it_deletes_only_what_nothing_needs(alice: User, domain: Domain) -> None:
    empty = domains.create(name="empty.test")
    domains.delete(empty)
    assert not Domain.objects.filter(name="empty.test").exists()

    with pytest.raises(InUse):
        domains.delete(domain)

    second = domains.create(name="second.test")
    Alias.objects.create(domain=second, local="sales")
    with pytest.raises(InUse):
        domains.delete(second)

    third = domains.create(name="third.test")
    domains.create(name="alias.test", alias_of="third.test")
    with pytest.raises(InUse):
        domains.delete(third)


def test_it_finds_only_what_is_there(db: None) -> None:
    with pytest.raises(NotFound):
        domains.find("example.test")
    with pytest.raises(InvalidName):
        domains.find("not a domain")
