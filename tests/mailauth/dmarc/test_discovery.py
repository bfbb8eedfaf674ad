"""Where a policy is found, and what is asked of the DNS for it."""

import pytest

from apps.mailauth.dmarc.discovery import TEXT_MAX, Published, discover
from apps.mailauth.types import Policy, Result
from tests.support.zones import Zones

NONE, QUARANTINE, REJECT = Policy.NONE, Policy.QUARANTINE, Policy.REJECT


@pytest.fixture
def zones() -> Zones:
    zones = Zones()
    zones.add("_dmarc.bank.test", "TXT", "v=DMARC1; p=reject; sp=quarantine")
    zones.add("_dmarc.own.bank.test", "TXT", "v=DMARC1; p=none; sp=reject")
    return zones


async def test_it_asks_the_domain_itself_first(zones: Zones) -> None:
    found = await discover("bank.test", zones)
    assert (found.domain, found.policy) == ("bank.test", REJECT)
    assert found.text == "v=DMARC1; p=reject; sp=quarantine"
    assert zones.questions == [("_dmarc.bank.test", "TXT")]


@pytest.mark.parametrize(
    ("author", "domain", "policy"),
    [
        ("mail.bank.test", "bank.test", QUARANTINE),
        ("a.b.c.d.bank.test", "bank.test", QUARANTINE),
        ("own.bank.test", "own.bank.test", NONE),
        # Between the two nobody is asked: it is not the organisational domain.
        ("below.own.bank.test", "bank.test", QUARANTINE),
    ],
)
async def test_it_asks_the_organisation_next(
    zones: Zones, author: str, domain: str, policy: Policy
) -> None:
    found = await discover(author, zones)
    assert (found.domain, found.policy) == (domain, policy)
    assert zones.count() <= 2


async def test_it_goes_where_an_alias_leads(zones: Zones) -> None:
    # How providers publish for their customers.
    zones.add("_dmarc.shop.test", "CNAME", "_dmarc.bank.test.")
    found = await discover("shop.test", zones)
    assert (found.domain, found.policy) == ("shop.test", REJECT)


async def test_it_asks_no_public_suffix() -> None:
    zones = Zones()
    zones.add("_dmarc.co.uk", "TXT", "v=DMARC1; p=reject")
    assert (await discover("mail.evil.co.uk", zones)).record is None
    assert zones.count("_dmarc.co.uk") == 0


@pytest.mark.parametrize("name", ["_dmarc.bank.test", "_dmarc.mail.bank.test"])
async def test_it_knows_when_it_does_not_know(zones: Zones, name: str) -> None:
    zones.fail(name)
    found = await discover("mail.bank.test", zones)
    assert (found.result, found.record, found.policy) == (Result.TEMPERROR, None, NONE)


async def test_it_finds_nothing() -> None:
    found = await discover("bank.test", Zones())
    assert found == Published("bank.test", reason="no policy is published")


@pytest.mark.parametrize(
    "others",
    [
        ["v=spf1 -all", "google-site-verification=x"],
        ["v=DMARC2; p=none", "v=DMARC10; p=none", " v=DMARC1; p=none"],
        [b"\xff\x00" * 500, ""],
    ],
)
async def test_it_leaves_other_records_out(zones: Zones, others: list[str | bytes]) -> None:
    zones.more("_dmarc.bank.test", "TXT", *others)
    assert (await discover("bank.test", zones)).policy is REJECT
    zones.add("_dmarc.mail.bank.test", "TXT", *others)
    assert (await discover("mail.bank.test", zones)).policy is QUARANTINE


async def test_it_takes_several_records_for_none(zones: Zones) -> None:
    zones.add("_dmarc.mail.bank.test", "TXT", "v=DMARC1; p=none", "v=DMARC1; p=reject")
    found = await discover("mail.bank.test", zones)
    assert (found.result, found.record, found.policy) == (Result.NONE, None, NONE)
    assert zones.count("_dmarc.bank.test") == 0  # section 6.6.3 step 5: this is the end of it


@pytest.mark.parametrize("text", ["v=DMARC1", "v=DMARC1; p=all", "v=DMARC1; p=none; p=none"])
async def test_it_tells_a_record_that_says_nothing(zones: Zones, text: str) -> None:
    zones.add("_dmarc.bank.test", "TXT", text)
    found = await discover("bank.test", zones)
    assert (found.result, found.record, found.text) == (Result.PERMERROR, None, text)
    assert found.domain == "bank.test"


async def test_it_keeps_a_record_that_can_be_shown(zones: Zones) -> None:
    text = b"v=DMARC1; p=reject; x=\x00\r\n\x1b[2J\xff<b>; " + b"y=z;" * 230 + b"rua=mailto:"
    text += b"a" * (TEXT_MAX - len(text) - 9) + b"@bank.test"
    assert len(text) == TEXT_MAX + 1
    zones.add("_dmarc.bank.test", "TXT", text)
    found = await discover("bank.test", zones)
    assert found.record is not None
    assert found.record.policy is REJECT
    assert found.text.startswith("v=DMARC1; p=reject; x=????[2J?<b>; y=z;")
    assert found.text.endswith(";y=z")  # half an address would be another one


@pytest.mark.parametrize(
    "author", ["x" * 63 + ".bank.test", ".".join(["x" * 60] * 4), "a..b", "bank.test." + "x" * 250]
)
async def test_it_fails_for_no_name(zones: Zones, author: str) -> None:
    assert (await discover(author, zones)).result is Result.NONE
