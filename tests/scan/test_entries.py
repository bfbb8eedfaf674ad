"""What an entry names, and under which names a message goes."""

from collections.abc import Collection

import pytest

from apps.mailauth.types import Authentication, Dmarc, Policy, Result, Spf
from apps.scan.base import Case
from apps.scan.entries import Met, Named, met_by, read, senders_of
from apps.scan.models import EntryKind
from apps.wire.errors import InvalidName
from tests.scan.cases import FORGED, PROVEN, case, judged, letter

ADDRESS, DOMAIN, NETWORK = EntryKind.ADDRESS, EntryKind.DOMAIN, EntryKind.NETWORK


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (" Friend@Friend.TEST ", Named(ADDRESS, "friend@friend.test")),
        ("friend.test", Named(DOMAIN, "friend.test")),
        ("@Friend.test", Named(DOMAIN, "friend.test")),
        ("*@friend.test", Named(DOMAIN, "friend.test")),
        ("*.friend.test", Named(DOMAIN, "friend.test")),
        (".friend.test", Named(DOMAIN, "friend.test")),
        (".top", Named(DOMAIN, "top")),
        ("*.top", Named(DOMAIN, "top")),
        ("Bücher.example", Named(DOMAIN, "xn--bcher-kva.example")),
        ("192.0.2.1", Named(NETWORK, "192.0.2.1/32", 32)),
        ("192.0.2.1/24", Named(NETWORK, "192.0.2.0/24", 24)),
        ("2001:DB8::1", Named(NETWORK, "2001:db8::1/128", 328)),
        ("2001:db8::/32", Named(NETWORK, "2001:db8::/32", 232)),
    ],
)
def test_it_reads_an_entry_as_people_write_it(text: str, named: Named) -> None:
    assert read(text) == named


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        ".",
        "*",
        "top",
        "@top",
        "add",
        "a b",
        "a@b@c",
        "0.0.0.0/0",
        "2001::/8",
        "x..y",
        "\0",
    ],
)
def test_it_refuses_what_names_nobody_or_everybody(text: str) -> None:
    with pytest.raises(InvalidName):
        read(text)


def test_an_address_is_more_exact_than_a_domain_than_a_network() -> None:
    texts = ["10.0.0.0/8", "2001:db8::/32", "10.0.0.1", ".test", "a.test", "x.a.test", "a@a.test"]
    assert sorted(map(read, texts), key=lambda one: one.exactness) == list(map(read, texts))


def met(one: Case, lengths: Collection[int]) -> list[Met]:
    return met_by(one, lengths, senders_of(one))


def names(found: list[Met]) -> dict[str, bool]:
    return {one.named.value: one.is_proven for one in found}


def test_a_proven_author_goes_by_address_and_domains() -> None:
    raw = letter("X <Friend@mail.friend.test>")
    proven = case(
        raw=raw,
        sender="",
        judgement=judged(
            Authentication(dkim=PROVEN.dkim, dmarc=Dmarc(Result.PASS, "mail.friend.test"))
        ),
    )
    assert names(met(proven, ())) == {
        "friend@mail.friend.test": True,
        "mail.friend.test": True,
        "friend.test": True,
        "test": True,
    }
    assert met(proven, ())[0].words == (
        "From is friend@mail.friend.test, proven by the DKIM signature of friend.test"
    )


def test_a_forged_author_proves_nothing() -> None:
    found = names(met(case(sender="x@thief.test", judgement=judged(FORGED)), ()))
    assert not any(found.values())
    assert {"friend@friend.test", "x@thief.test", "thief.test"} <= found.keys()


def test_a_proven_reverse_path_counts_unless_from_is_condemned() -> None:
    lists = Spf(Result.PASS, "lists.test")
    fine = Authentication(spf=lists, dmarc=Dmarc(Result.FAIL, "friend.test"))
    found = names(met(case(sender="talk@lists.test", judgement=judged(fine)), ()))
    assert found["lists.test"]
    assert found["talk@lists.test"]
    assert not found["friend.test"]
    condemned = Authentication(
        spf=lists, dmarc=Dmarc(Result.FAIL, "friend.test", disposition=Policy.QUARANTINE)
    )
    found = names(met(case(sender="talk@lists.test", judgement=judged(condemned)), ()))
    assert not found["lists.test"]
    helo = Authentication(spf=Spf(Result.PASS, "lists.test", scope="helo"))
    found = names(met(case(sender="talk@lists.test", judgement=judged(helo)), ()))
    assert not found["lists.test"]


def test_several_authors_are_none() -> None:
    raw = letter("friend@friend.test, boss@example.test")
    found = names(met(case(raw=raw, sender=""), ()))
    assert found["boss@example.test"] is False
    assert found["friend@friend.test"] is False


def test_the_client_goes_by_the_networks_that_any_list_has() -> None:
    lengths = {0, 8, 24, 232, 300}
    found = names(met(case(sender="", raw=b"\r\n"), lengths))
    assert found == {"192.0.2.0/24": True, "192.0.0.0/8": True}
    mapped = case(sender="", raw=b"\r\n", client={"address": "::ffff:192.0.2.77"})
    assert names(met(mapped, lengths)) == found
    sixth = case(sender="", raw=b"\r\n", client={"address": "2001:db8:1::7"})
    assert names(met(sixth, lengths)) == {"2001:db8::/32": True, "2001:db8:1::/100": True}


@pytest.mark.parametrize("door", ["submission", "lmtp", "web", "api"])
def test_the_client_of_no_stranger_counts(door: str) -> None:
    assert met(case(sender="", raw=b"\r\n", door=door), {24}) == []


@pytest.mark.parametrize("client", [{}, {"address": ""}, {"address": "x"}, {"address": None}])
def test_a_client_without_address_is_nobody(client: dict[str, object]) -> None:
    assert met(case(sender="", raw=b"\r\n", client=client), {24}) == []


def test_it_does_not_look_into_what_a_worker_died_over() -> None:
    found = met(case(unscannable="a worker died over it"), {24})
    assert names(found).keys() == {"friend@friend.test", "friend.test", "test", "192.0.2.0/24"}
    assert "letter" not in found[0].words


def test_hostile_names_stay_bounded() -> None:
    many = ", ".join(f"a{number}@{'x.' * 100}test" for number in range(1_000))
    assert len(met(case(raw=letter(many), sender="x@" + "y." * 100 + "test"), ())) < 300
