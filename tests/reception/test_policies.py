"""The wishes of domains: found by name, remembered for a moment."""

import asyncio

import pytest

from apps.directory.models import Domain, Sternness
from apps.directory.services.domains import Reception
from apps.provisioning import services as provisioning
from apps.reception import policies
from apps.reception.policies import USUAL, Policies, Wishes, wishes_of
from apps.runtime import db


def test_domains_have_wishes(domain: Domain) -> None:
    assert wishes_of(["example.test", "elsewhere.test", ""]) == {"example.test": USUAL}
    wanted = Reception(Sternness.JUNK, Sternness.REPORT, greylists=True)
    provisioning.change_domain("example.test", reception=wanted)
    assert wishes_of(["example.test"])["example.test"] == Wishes(
        Sternness.JUNK, Sternness.REPORT, greylists=True
    )


def test_a_change_touches_what_it_names(domain: Domain) -> None:
    for wanted in (Reception(greylists=True), Reception(dmarc_policy=Sternness.REPORT)):
        provisioning.change_domain("example.test", reception=wanted)
    assert wishes_of(["example.test"])["example.test"] == Wishes(
        Sternness.REPORT, Sternness.REJECT, greylists=True
    )


def test_an_alias_domain_has_those_of_what_it_stands_for(domain: Domain) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    provisioning.change_domain("example.test", reception=Reception(Sternness.JUNK))
    assert wishes_of(["alias.test"])["alias.test"].dmarc is Sternness.JUNK


@pytest.mark.django_db(transaction=True)
def test_they_are_asked_for_once_in_a_while(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    real = policies._look_up

    def look_up(names: list[str]) -> list[Wishes]:
        asked.append(names)
        return real(names)  # type: ignore[return-value]

    monkeypatch.setattr(policies, "_look_up", look_up)

    async def ask() -> list[Wishes]:
        found = Policies()
        names = ["example.test", "example.test", "elsewhere.test", ""]
        first = [await found.of(name) for name in names]
        found._until = 0.0
        return [*first, await found.of("example.test")]

    try:
        assert asyncio.run(ask()) == [USUAL] * 5
    finally:
        db.shutdown()
    assert asked == [["example.test"], ["elsewhere.test"], [""], ["example.test"]]
