"""Which domain imitates which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.scan.lookalikes.names import Kind, Names, likeness
from tests.support.cost import cost

OURS = "example.org"


@pytest.mark.parametrize(
    ("host", "kind", "words"),
    [
        ("exarnple.org", Kind.LIKE, "exarnple.org looks like example.org"),
        ("mail.examp1e.net", Kind.LIKE, "examp1e.net looks like example.org"),
        ("xn--exmple-cua.org", Kind.LIKE, "ex\u00e4mple.org looks like example.org"),
        (
            "www.example.org.evil.net",
            Kind.LIKE,
            "www.example.org.evil.net begins like example.org and is of evil.net",
        ),
        ("exampel.org", Kind.NEAR, "exampel.org is one letter away from example.org"),
        ("exmple.org", Kind.NEAR, "exmple.org is one letter away from example.org"),
        ("examplle.net", Kind.NEAR, "examplle.net is one letter away from example.org"),
        ("exanple.org", Kind.NEAR, "exanple.org is one letter away from example.org"),
        ("example-login.com", Kind.NEAR, 'example-login.com is example.org with "login" added'),
        ("secureexample.com", Kind.NEAR, 'secureexample.com is example.org with "secure" added'),
        ("my-examp1e-help.com", Kind.NEAR, "my-examp1e-help.com is example.org with"),
        ("example.com", Kind.ENDING, "example.com is example.org with another ending"),
    ],
)
def test_it_sees_an_imitation(host: str, kind: Kind, words: str) -> None:
    found = likeness(host, OURS)
    assert found is not None
    assert (found.kind, found.target) == (kind, OURS)
    assert found.words.startswith(words)
    assert Names([OURS, "other.test"]).near(host) == [OURS]


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("mail.example.org", "example.org"),
        ("example.org", "mail.example.org"),
        ("sample.org", "example.org"),
        ("examples-of-art.org", "example.org"),
        ("example-partners.org", "example.org"),
        ("ibn.com", "ibm.com"),
        ("martin.de", "marion.de"),
        ("bank1.com", "tank1.com"),
        ("studio54.com", "studio53.com"),
        ("firma2.de", "firma.de"),
        ("alice.github.io", "bob.github.io"),
        ("", "example.org"),
        ("com", "example.org"),
        ("203.0.113.5", "203.0.113.6"),
    ],
)
def test_it_sees_none_where_there_is_none(host: str, target: str) -> None:
    assert likeness(host, target) is None
    assert Names([target]).near(host) == []


def test_it_knows_its_own() -> None:
    names = Names(["mail.example.org", "example.org", "ibm.com"])
    assert len(names) == 2
    assert "www.example.org" in names
    assert "example.com" not in names


def test_it_looks_among_so_many_and_no_more() -> None:
    assert len(Names(f"name{n}.example" for n in range(Names.MOST + 100))) == Names.MOST


LABEL = st.text("abcdefghilmnorst01-", min_size=1, max_size=12)


@given(LABEL, LABEL)
def test_it_finds_among_many_what_it_finds_one_by_one(left: str, right: str) -> None:
    host, target = f"{left}.com", f"{right}.com"
    assert (target in Names([target, "other.test"]).near(host)) is (
        likeness(host, target) is not None
    )


@given(LABEL, st.integers(0, 12), st.sampled_from("abcdeo01"))
def test_it_finds_what_is_one_letter_away(label: str, place: int, letter: str) -> None:
    host = f"{label[:place]}{letter}{label[place + 1 :]}.com"
    target = f"{label}.com"
    assert (target in Names([target]).near(host)) is (likeness(host, target) is not None)


@given(st.text())
def test_it_raises_nothing_for_any_name(text: str) -> None:
    likeness(text, OURS)
    Names([OURS, text]).near(text)


@pytest.mark.parametrize(
    "host",
    ["a." * 120 + "com", "-".join(["login"] * 40) + ".com", "a" * 63 + ".com", "xn--" + "a" * 200],
)
def test_it_takes_a_bounded_time(host: str) -> None:
    names = Names(f"company{n}.example" for n in range(500))
    assert cost(lambda: names.near(host)) < 0.02


def test_it_finds_what_is_most_alike_first_and_only_some() -> None:
    names = Names([*(f"exampl{letter}.org" for letter in "abcdfgh"), "examp1e.org"])
    found = names.near("example.org")
    assert found[0] == "examp1e.org"
    assert len(found) == Names.MOST_FOUND


def test_it_is_not_kept_busy_by_a_crowd_of_names_that_begin_alike() -> None:
    names = Names(f"company{n:04}x.example" for n in range(2_000))
    assert names.near("c0mpany0007x.example")[0] == "company0007x.example"
    assert cost(lambda: [names.near(f"company{n:04}y.example") for n in range(50)]) < 0.2
