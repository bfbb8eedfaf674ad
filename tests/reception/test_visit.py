"""One client at the door: what is found out, what it is told, and what waits for what."""

import asyncio
from ipaddress import ip_network

import pytest

from apps.mailauth.types import Result
from apps.reception import visit as visits
from apps.reception.dnslists import DnsLists
from apps.reception.gate import Gate
from apps.reception.judging import Refusal
from apps.reception.limits import Limits
from apps.reception.listform import parse
from apps.reception.lookups import LookUps
from apps.reception.options import Options
from apps.reception.rates import Rates
from apps.reception.visit import Visit
from apps.wire.replies import Reply
from tests.support.zones import Zones

STRANGER = "198.51.100.7"
HERE = "203.0.113.1"
NOW = 1_800_000_000.0  # no minute and no hour ends during a test
ALICE = "alice@example.test"


@pytest.fixture
def zones() -> Zones:
    """A stranger that has nothing to hide, and us."""
    zones = Zones()
    zones.reverse(STRANGER, "mx.example.org")
    zones.host("mx.example.org", STRANGER)
    zones.host("mail.example.test", HERE)
    return zones


def gate(zones: Zones, **options: object) -> Gate:
    return Gate(zones, "mail.example.test", Options(**options), Rates(clock=lambda: NOW))  # type: ignore[arg-type]


def arrive(at: Gate, address: str = STRANGER, name: str = "mx.example.org") -> Visit:
    visit = at.visit(address, HERE)
    visit.begin()
    visit.hello(name)
    return visit


def list_it(zones: Zones, zone: str = "bl.example", why: str = "") -> None:
    zones.add(f"7.100.51.198.{zone}", "A", "127.0.0.2")
    if why:
        zones.add(f"7.100.51.198.{zone}", "TXT", why)


def words(reply: Reply | Refusal | None) -> str:
    found = reply.reply if isinstance(reply, Refusal) else reply
    return "" if found is None else f"{found.code} {found.enhanced} {found.text}"


async def suspicions(visit: Visit) -> list[str]:
    return [one.word for one in (await visit.facts()).suspicions]


# strangers with nothing to hide


async def test_it_lets_an_honest_server_write(zones: Zones) -> None:
    visit = arrive(gate(zones, block=(parse("bl.example"),)))
    assert visit.turned_away is None
    assert await visit.mail() is None
    assert await visit.refusal(ALICE, [1]) is None
    facts = await visit.facts()
    assert facts.iprev.result is Result.PASS
    assert facts.iprev.name == "mx.example.org"
    assert (facts.listed, facts.allowed, facts.suspicions, facts.weight) == ((), "", (), 0)


async def test_it_asks_once_for_a_client_that_comes_again(zones: Zones) -> None:
    at = gate(zones, block=(parse("bl.example"),))
    await arrive(at).facts()
    asked = zones.count()
    assert asked
    for _ in range(5):
        again = arrive(at)
        assert await again.refusal(ALICE) is None
        assert (await again.facts()).iprev.name == "mx.example.org"
    assert zones.count() == asked


# lists


async def test_it_refuses_a_listed_client_and_tells_why(zones: Zones) -> None:
    list_it(zones, why="see https://bl.example/198.51.100.7")
    visit = arrive(gate(zones, block=(parse("bl.example"),)))
    refusal = await visit.refusal(ALICE)
    assert words(refusal) == (
        "550 5.7.1 No mail from you, 198.51.100.7 is listed by bl.example:"
        " see https://bl.example/198.51.100.7"
    )
    assert refusal is not None
    assert refusal.cause == "list"
    assert refusal.why.startswith("198.51.100.7 is listed by bl.example")
    assert (await visit.facts()).listed == ("bl.example",)


async def test_it_refuses_nothing_for_postmaster_and_abuse(zones: Zones) -> None:
    list_it(zones)
    visit = arrive(gate(zones, block=(parse("bl.example"),)), name="mail.example.test")
    visit.spoke_early()
    for recipient in ("postmaster", "Postmaster@example.test", "ABUSE@other.test"):
        assert await visit.refusal(recipient) is None
    assert await visit.refusal("postmaster.evil@example.test") is not None
    assert await visit.refusal("x@postmaster") is not None


async def test_it_leaves_listed_clients_to_domains_that_want_them(zones: Zones) -> None:
    list_it(zones)
    visit = arrive(gate(zones, block=(parse("bl.example"),)))
    assert await visit.refusal(ALICE, lists_refuse=False) is None
    assert (await visit.facts()).listed == ("bl.example",)


async def test_it_only_suspects_who_is_listed_by_too_little(zones: Zones) -> None:
    list_it(zones)
    visit = arrive(gate(zones, block=(parse("bl.example"), parse("b.example*4")), threshold=4))
    assert await visit.refusal(ALICE) is None
    facts = await visit.facts()
    assert facts.listed == ()
    assert [(one.word, one.text) for one in facts.suspicions] == [
        ("listed", "is listed by bl.example")
    ]


async def test_it_lets_allow_lists_win(zones: Zones) -> None:
    list_it(zones)
    list_it(zones, "wl.example")
    visit = arrive(gate(zones, block=(parse("bl.example"),), allow=(parse("wl.example"),)))
    assert await visit.refusal(ALICE) is None
    facts = await visit.facts()
    assert (facts.listed, facts.allowed, facts.suspicions) == ((), "wl.example", ())


async def test_it_asks_no_list_about_addresses_of_our_own(zones: Zones) -> None:
    visit = arrive(gate(zones, block=(parse("bl.example"),)), "10.1.2.3", "client.example.org")
    assert await visit.refusal(ALICE) is None
    await visit.facts()
    assert not [name for name, _ in zones.questions if name.endswith("bl.example")]


# HELO


@pytest.mark.parametrize("name", ["mail.example.test", "[203.0.113.1]", "203.0.113.1"])
async def test_it_refuses_who_pretends_to_be_us(zones: Zones, name: str) -> None:
    refusal = await arrive(gate(zones), name=name).refusal(ALICE)
    assert words(refusal) == f"550 5.7.1 You are 198.51.100.7, and not {name}: that is us"
    assert refusal is not None
    assert refusal.cause == "pretends"


async def test_it_forgets_a_name_that_was_corrected(zones: Zones) -> None:
    visit = arrive(gate(zones), name="mail.example.test")
    visit.hello("mx.example.org")
    assert await visit.refusal(ALICE) is None
    visit.hello("localhost")
    assert await suspicions(visit) == ["not-fqdn"]
    visit.hello("mx.example.org")
    assert await suspicions(visit) == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.9", HERE, ""])
async def test_it_lets_our_own_hosts_use_our_name(zones: Zones, address: str) -> None:
    visit = arrive(gate(zones), address, "mail.example.test")
    assert await visit.refusal(ALICE) is None
    assert not visit.is_counted


async def test_it_suspects_names_and_addresses_and_refuses_none(zones: Zones) -> None:
    zones.reverse("198.51.100.99", "198-51-100-99.isp.example")
    zones.host("198-51-100-99.isp.example", "198.51.100.99")
    at = gate(zones)
    doubtful = {
        (STRANGER, "localhost"): ["not-fqdn"],
        (STRANGER, "[198.51.100.8]"): ["wrong-literal-helo"],
        (STRANGER, "gone.example"): ["unresolvable-helo"],
        ("198.51.100.8", "mx.example.org"): ["no-reverse-name"],
        ("198.51.100.99", "mx.example.org"): ["generic-reverse-name"],
        ("127.0.0.1", "localhost"): ["not-fqdn"],
    }
    for (address, name), expected in doubtful.items():
        visit = arrive(at, address, name)
        assert await visit.refusal(ALICE) is None
        assert await suspicions(visit) == expected


async def test_it_suspects_who_calls_itself_by_the_domain_it_writes_to(zones: Zones) -> None:
    zones.host("example.test", "203.0.113.77")
    visit = arrive(gate(zones), name="EXAMPLE.test")
    assert await visit.refusal("bob@other.test") is None
    assert await suspicions(visit) == []
    assert await visit.refusal(ALICE) is None
    assert await suspicions(visit) == ["recipient-helo"]


# early talkers


async def test_it_suspects_an_early_talker(zones: Zones) -> None:
    visit = arrive(gate(zones))
    visit.spoke_early()
    assert await visit.refusal(ALICE) is None
    assert await suspicions(visit) == ["early-talker"]


async def test_it_only_suspects_who_is_hasty_later(zones: Zones) -> None:
    visit = arrive(gate(zones, refuses_early_talkers=True))
    visit.hurried()
    assert await visit.refusal(ALICE) is None
    assert await suspicions(visit) == ["hasty"]
    visit.spoke_early()
    assert await suspicions(visit) == ["early-talker"]


async def test_it_refuses_an_early_talker_where_it_is_to(zones: Zones) -> None:
    visit = arrive(gate(zones, refuses_early_talkers=True))
    assert await visit.refusal(ALICE) is None
    visit.spoke_early()
    refusal = await visit.refusal(ALICE)
    assert words(refusal) == "550 5.7.1 You spoke before you were greeted"


async def test_it_lets_only_strangers_wait_for_the_greeting(zones: Zones) -> None:
    at = gate(zones, greeting_delay=3.0, trusted=(ip_network("192.0.2.0/24"),))
    assert at.visit(STRANGER, HERE).greeting_delay == 3.0
    for address in ("127.0.0.1", "10.0.0.1", "192.0.2.9", HERE, ""):
        assert at.visit(address, HERE).greeting_delay == 0.0


# hosts of our own


async def test_it_holds_nothing_against_a_trusted_host(zones: Zones) -> None:
    list_it(zones)
    at = gate(
        zones,
        block=(parse("bl.example"),),
        trusted=(ip_network("198.51.100.0/24"),),
        refuses_early_talkers=True,
        limits=Limits(per_minute=(1, 1, 1), unknown=1, per_user=1),
    )
    for _ in range(5):
        visit = arrive(at, name="mail.example.test")
        visit.spoke_early()
        assert visit.turned_away is None
        assert await visit.mail() is None
        assert await visit.refusal(ALICE, [1]) is None
        assert await visit.unknown() is None
    facts = await visit.facts()
    assert facts.listed == ("bl.example",)
    assert facts.iprev.result is Result.PASS
    assert [one.word for one in facts.suspicions] == ["early-talker"]


# limits


async def test_it_turns_away_who_connects_too_often(zones: Zones) -> None:
    at = gate(zones, limits=Limits(per_minute=(3, 0, 0)))
    for _ in range(3):
        assert arrive(at).turned_away is None
    assert words(arrive(at).turned_away) == (
        "421 4.7.0 Not now: more than 3 connections within a minute from 198.51.100.7"
    )
    assert arrive(at, "192.0.2.200").turned_away is None
    for _ in range(20):
        assert arrive(at, "127.0.0.1").turned_away is None


async def test_it_delays_who_brings_too_much(zones: Zones) -> None:
    visit = arrive(gate(zones, limits=Limits(per_minute=(0, 2, 3), per_hour=(0, 0, 0))))
    assert [words(await visit.mail()) for _ in range(3)] == [
        "",
        "",
        "451 4.7.1 Not now: more than 2 messages within a minute from 198.51.100.7",
    ]
    refused = [await visit.refusal(ALICE) for _ in range(4)]
    assert refused[:3] == [None] * 3
    assert words(refused[3]) == (
        "451 4.7.1 Not now: more than 3 recipients within a minute from 198.51.100.7"
    )
    assert refused[3] is not None
    assert refused[3].cause == "rate"


async def test_it_bounds_what_strangers_bring_for_one_mailbox(zones: Zones) -> None:
    at = gate(zones, limits=Limits(per_user=5))
    for number in range(5):
        visit = arrive(at, f"198.51.{number}.1")
        assert await visit.refusal(ALICE, [1, 2]) is None
        visit.taken([1, 2], 1)
    refusal = await arrive(at).refusal(ALICE, [1])
    assert words(refusal).startswith("450 4.2.1 This mailbox has got more mail")
    assert refusal is not None
    assert refusal.cause == "bomb"
    assert await arrive(at).refusal("bob@example.test", [3]) is None
    assert await arrive(at, "127.0.0.1").refusal(ALICE, [1]) is None


async def test_it_counts_only_what_was_taken(zones: Zones) -> None:
    """Whoever only names recipients fills no mailbox's measure, and hides no harvest."""
    at = gate(zones, limits=Limits(per_minute=(0, 0, 0), per_hour=(0, 0, 0), unknown=3, per_user=8))
    visit = arrive(at)
    answers = []
    for _ in range(4):
        for _ in range(20):
            assert await visit.refusal("postmaster@example.test", [1]) is None
        answers.append(words(await visit.unknown()))
    assert answers[:3] == [""] * 3
    assert answers[3].startswith("421 4.7.0")
    assert await arrive(at, "192.0.2.1").refusal(ALICE, [1]) is None


async def test_it_tells_no_stranger_the_key_in_the_name_of_a_list(zones: Zones) -> None:
    key = "w3kaqjc4mdtvq5zqbhf2r7xnie"
    list_it(zones, f"{key}.zen.dq.example", why="Spam")
    visit = arrive(gate(zones, block=(parse(f"{key}.zen.dq.example"),)))
    told = words(await visit.refusal(ALICE, [1]))
    assert told == "550 5.7.1 No mail from you, 198.51.100.7 is listed by zen.dq.example: Spam"
    assert key not in str(await visit.facts())


async def test_it_lets_an_allow_list_lift_limits(zones: Zones) -> None:
    list_it(zones, "wl.example")
    limits = Limits(per_minute=(0, 1, 1), per_hour=(0, 0, 0), unknown=1)
    visit = arrive(gate(zones, allow=(parse("wl.example"),), limits=limits))
    for _ in range(5):
        assert await visit.mail() is None
        assert await visit.refusal(ALICE) is None
        assert await visit.unknown() is None


# harvesters


async def test_it_cuts_a_harvester_off_across_connections(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.reception.limits._LONGEST", 0.0)
    at = gate(zones, limits=Limits(unknown=10))
    answers = [await arrive(at).unknown() for _ in range(11)]
    assert answers[:10] == [None] * 10
    assert words(answers[10]) == (
        "421 4.7.0 Too many recipients that do not exist, try again later"
    )
    assert words(arrive(at).turned_away).startswith("421 4.7.0 Too many recipients")
    assert arrive(at, "198.51.100.8").turned_away is None


async def test_it_cuts_nobody_off_whom_an_allow_list_names(zones: Zones) -> None:
    list_it(zones, "wl.example")
    at = gate(zones, allow=(parse("wl.example"),), limits=Limits(unknown=2))
    for _ in range(4):
        assert await arrive(at).unknown() is None
    assert arrive(at).turned_away is None
    # What the list said is forgotten after a while, and it is asked again.
    at.look_ups = LookUps(DnsLists(zones, (), (parse("wl.example"),)))
    later = arrive(at)
    assert later.turned_away is None
    assert await later.unknown() is None


async def test_it_cuts_a_harvester_off_whom_no_allow_list_names(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.reception.limits._LONGEST", 0.0)
    at = gate(zones, allow=(parse("wl.example"),), limits=Limits(unknown=2))
    answers = [words(await arrive(at).unknown()) for _ in range(3)]
    assert answers[2].startswith("421 4.7.0 Too many recipients")
    assert words(arrive(at).turned_away).startswith("421 4.7.0 Too many recipients")


async def test_it_makes_a_harvester_wait(zones: Zones, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    visit = arrive(gate(zones))
    monkeypatch.setattr("apps.reception.visit.asyncio.sleep", note)
    for _ in range(8):
        assert await visit.unknown() is None
    assert pauses == [0.5, 1.0, 1.5]


# the DNS


async def test_it_takes_mail_when_the_dns_is_down(zones: Zones) -> None:
    list_it(zones)
    zones.fail()
    visit = arrive(gate(zones, block=(parse("bl.example"),), allow=(parse("wl.example"),)))
    assert await visit.refusal(ALICE) is None
    facts = await visit.facts()
    assert facts.iprev.result is Result.TEMPERROR
    assert (facts.listed, facts.suspicions) == ((), ())


async def test_it_takes_mail_when_the_dns_is_silent(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "SECONDS", 0.1)
    list_it(zones)
    zones.drop()
    visit = arrive(gate(zones, block=(parse("bl.example"),)))
    async with asyncio.timeout(30):
        assert await visit.refusal(ALICE) is None
        facts = await visit.facts()
    assert facts.iprev.result is Result.TEMPERROR
    assert facts.suspicions == ()
    visit.close()


async def test_it_does_not_wait_for_a_name_before_it_takes_a_recipient(zones: Zones) -> None:
    """Reverse zones that nobody serves are common: only lists are waited for at RCPT."""
    zones.drop("7.100.51.198.in-addr.arpa")
    zones.drop("mx.example.org")
    list_it(zones)
    visit = arrive(gate(zones, block=(parse("bl.example"),)))
    async with asyncio.timeout(4):
        assert words(await visit.refusal(ALICE)).startswith("550 5.7.1")
    visit.close()


async def test_it_asks_nobody_any_more_when_the_client_is_gone(zones: Zones) -> None:
    zones.drop()
    before = asyncio.all_tasks()
    visit = arrive(gate(zones, block=(parse("bl.example"),)))
    waiting = asyncio.ensure_future(visit.facts())
    await asyncio.sleep(0)
    visit.close()
    async with asyncio.timeout(30):
        facts = await waiting
    assert facts.iprev.result is Result.TEMPERROR
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_it_knows_nothing_of_a_client_without_an_address(zones: Zones) -> None:
    visit = arrive(gate(zones, block=(parse("bl.example"),)), "", "mx.example.org")
    assert await visit.mail() is None
    assert await visit.refusal(ALICE) is None
    facts = await visit.facts()
    assert facts.iprev.result is Result.NONE
    assert not visit.is_trusted
