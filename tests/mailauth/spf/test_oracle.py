"""pyspf and we weigh the same made-up zones, and find the same.

Where pyspf departs from RFC 7208 it is listed in DEVIATIONS, each with the section that we follow:
both are run on each of them, so that the list stays true. The made-up zones keep clear of these.
"""

import asyncio
import re
from dataclasses import dataclass, field, replace
from typing import Final

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from apps.mailauth import spf
from apps.mailauth.spf import evaluation, macros, record
from apps.mailauth.spf.record import RecordError
from apps.mailauth.types import Client
from tests.mailauth.spf.oracle import answers, judge, pyspf
from tests.support.zones import Zones

HOSTNAME: Final = "mx.example.net"
HELO: Final = "mail.helo.test"
IPV4: Final = "192.0.2.1"
IPV6: Final = "2001:db8::1"

Found = tuple[str, str]  # a result, and the explanation of a fail


@dataclass
class World:
    """Zones in the words of `Zones.add`, and who comes."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    failing: list[tuple[str, str]] = field(default_factory=list)
    address: str = IPV4
    sender: str = "alice@d0.test"

    @property
    def zones(self) -> Zones:
        zones = Zones()
        for (name, kind), records in self.records.items():
            zones.add(name, kind, *records)
        for name, kind in self.failing:
            zones.fail(name, kind)
        return zones


def ours(world: World) -> Found:
    client = Client(world.address, HELO, world.sender, HOSTNAME)
    found = asyncio.run(spf.check_sender(client, world.zones))
    return found.result.value, found.explanation


def theirs(world: World) -> Found:
    return judge(world.zones, world.address, world.sender, HELO, HOSTNAME)


# --- Made-up zones ---

ADDRESSES4: Final = [IPV4, "192.0.2.2", "192.0.3.9", "198.51.100.7"]
ADDRESSES6: Final = [IPV6, "2001:db8::2", "2001:db9::1"]
NAMES: Final = ["n0.test", "n1.test", "alice.n.test", "1.2.0.192.in-addr.n.test", "none.test"]
HOSTS: Final = ["h0.test", "h1.test", "h2.test", "none.test"]
DOMAINS: Final = 5

qualifiers = st.sampled_from(["", "", "+", "-", "~", "?"])
prefixes = st.sampled_from(["", "", "/32", "/24", "/23", "/0", "//128", "//64", "//0", "/24//31"])
targets = st.sampled_from(
    [*NAMES, "%{l}.n.test", "%{ir}.%{v}.n.test", "n0.%{d1r}", "%{o}", "%{d}", "%{l1r+-}.n.test"]
)


def networks() -> st.SearchStrategy[str]:
    return st.one_of(
        st.sampled_from(ADDRESSES4).map("ip4:{}".format),
        st.tuples(st.sampled_from(ADDRESSES4), st.integers(0, 32)).map(
            lambda n: f"ip4:{n[0]}/{n[1]}"
        ),
        st.sampled_from(ADDRESSES6).map("ip6:{}".format),
        st.tuples(st.sampled_from(ADDRESSES6), st.integers(0, 128)).map(
            lambda n: f"ip6:{n[0]}/{n[1]}"
        ),
    )


def directives(others: list[str]) -> st.SearchStrategy[str]:
    with_domain = st.tuples(st.sampled_from(["a", "mx"]), targets, prefixes)
    mechanisms = [
        networks(),
        with_domain.map(lambda parts: f"{parts[0]}:{parts[1]}{parts[2]}"),
        st.tuples(st.sampled_from(["a", "mx"]), prefixes).map("".join),
        targets.map("exists:{}".format),
        st.sampled_from(["ptr", "ptr:n.test", "ptr:h0.test"]),
        st.sampled_from(["moo", "a:", "ip4:1.2.3", "a:x.test/99", "include"]),
    ]
    if others:
        mechanisms += [st.sampled_from(others).map("include:{}".format)] * 2
    return st.tuples(qualifiers, st.one_of(mechanisms)).map("".join)


@st.composite
def texts(draw: st.DrawFn, number: int, has_redirects: bool) -> str:
    """A record of the domain with this number. With redirections, only later ones are named:
    pyspf would follow a circle of them without end."""
    later = [f"d{one}.test" for one in range(number + 1, DOMAINS + 1)]
    others = later if has_redirects else [f"d{one}.test" for one in range(DOMAINS) if one != number]
    terms = draw(st.lists(directives(others), max_size=4))
    end = draw(st.sampled_from(["-all", "-all", "~all", "?all", "+all", ""]))
    terms.append(end)
    if has_redirects and not end:
        terms.append(f"redirect={draw(st.sampled_from(later))}")
    if draw(st.booleans()):
        terms.append(f"exp={draw(st.sampled_from(['why.test', '%{l}.why.test', 'none.test']))}")
    if draw(st.booleans()):
        terms.append("x-other=%{l}")
    return " ".join(["v=spf1", *terms])


explanations = st.sampled_from(
    [
        "Why not",
        "%{i} %{c} %{s} %{S} %{o} %{d} %{h} %{r} %{v}",
        "%{ir} %{lr-} %{d2r} 100%%%_%-",
        "50% off",
    ]
)


@st.composite
def worlds(draw: st.DrawFn, has_redirects: bool) -> World:
    world = World(
        address=draw(st.sampled_from([IPV4, IPV6, "::ffff:192.0.2.1"])),
        sender=draw(st.sampled_from(["alice@d0.test", "a-b+c@d0.test"])),
    )
    for number in range(DOMAINS):
        count = draw(st.sampled_from([1, 1, 1, 1, 1, 0, 2]))
        found = [draw(texts(number, has_redirects)) for _ in range(count)]
        world.records[f"d{number}.test", "TXT"] = [*found, "v=spf10 is none"]
    owners = [*NAMES[:-1], "d0.test", "d1.test"]
    for name in [*HOSTS[:-1], *owners]:
        for kind, pool in (("A", ADDRESSES4), ("AAAA", ADDRESSES6)):
            if addresses := draw(st.lists(st.sampled_from(pool), unique=True, max_size=2)):
                world.records[name, kind] = addresses
    for name in owners:
        if hosts := draw(st.lists(st.sampled_from(HOSTS), unique=True, max_size=3)):
            world.records[name, "MX"] = [f"{at} {host}." for at, host in enumerate(hosts)]
    for name in ("why.test", "alice.why.test"):
        world.records[name, "TXT"] = draw(st.lists(explanations, min_size=1, max_size=2))
    pointer = "1.2.0.192.in-addr.arpa"
    world.records[pointer, "PTR"] = draw(st.lists(st.sampled_from(HOSTS), unique=True, max_size=3))
    failures = st.sampled_from([(name, kind) for name in owners for kind in ("A", "AAAA", "MX")])
    world.failing = draw(st.lists(failures, max_size=1))
    return world


def agree(world: World, lookups: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # Both count void look-ups, but not the same ones (DEVIATIONS).
        patch.setattr(pyspf, "MAX_VOID_LOOKUPS", 10_000)
        patch.setattr(evaluation, "VOIDS_MOST", 10_000)
        patch.setattr(pyspf, "MAX_LOOKUP", lookups)
        patch.setattr(evaluation, "LOOKUPS_MOST", lookups)
        assert ours(world) == theirs(world)


@given(worlds(has_redirects=False))
@settings(max_examples=40)
def test_it_finds_what_pyspf_finds(world: World) -> None:
    agree(world, lookups=10)


@given(worlds(has_redirects=True))
@settings(max_examples=40)
def test_it_finds_what_pyspf_finds_along_redirections(world: World) -> None:
    # It counts a redirect that is not taken (DEVIATIONS).
    agree(world, lookups=1_000)


@pytest.mark.long
@pytest.mark.timeout(900)
@given(worlds(has_redirects=False) | worlds(has_redirects=True))
@settings(max_examples=3_000)
def test_it_finds_what_pyspf_finds_in_very_many_worlds(world: World) -> None:
    agree(world, lookups=1_000 if "redirect=" in str(world.records) else 10)


# --- Macros and grammar alone ---

letters = st.sampled_from("slodivhSLODIVH")
transformers = st.tuples(st.sampled_from(["", "1", "2", "3", "12"]), st.sampled_from(["", "r"]))


@st.composite
def macro_expands(draw: st.DrawFn) -> str:
    letter = draw(letters)
    # It joins the parts of other letters with what split them (DEVIATIONS).
    delimiters = draw(st.text("-.+,/_=", max_size=3)) if letter.lower() in "sl" else ""
    return "".join(["%{", letter, *draw(transformers), delimiters, "}"])


domain_specs = st.tuples(
    st.lists(
        macro_expands() | st.sampled_from(["%%", "%_", "%-", "a", "-", ".", "/", ":"]), max_size=6
    ),
    macro_expands() | st.sampled_from([".test", ".x.example.org", ".com.", ".a-b", "%_"]),
).map(lambda parts: "".join([*parts[0], parts[1]]))


@given(domain_specs, st.sampled_from([IPV4, IPV6]))
@settings(max_examples=300)
def test_it_fills_in_what_pyspf_fills_in(text: str, address: str) -> None:
    query = pyspf.query(address, "strong-bad+x_y=z@email.example.com", HELO, receiver=HOSTNAME)
    values = {letter: getattr(query, letter) for letter in "slodivh"}
    template = macros.read_domain(text)
    # Longer names are cut otherwise there (DEVIATIONS).
    assume(len(macros._right_end(template.tokens, values)) <= macros.NAME_MOST)
    assert macros.target_name(template, values) == query.expand_domain(text)


PIECES: Final = (
    "a mx ptr all exists ip4 ip6 foo = : / // + - ~ ? . , _ 0 1 24 32 33 64 129 024 "
    "x.org .org org. %{d} 192.0.2.1 2001:db8:: ::1"
).split()


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
@settings(max_examples=500)
@example("ip4:192.0.2.1/32")
@example("a/24//64")
def test_it_refuses_the_terms_that_pyspf_refuses(term: str) -> None:
    assume(not re.fullmatch(r"[-+~?]exists", term))  # which it takes for its domain (DEVIATIONS)
    try:
        is_refused = not record.read(f"v=spf1 {term}".encode())
    except RecordError:
        is_refused = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyspf, "DNSLookup", answers(Zones()))
        result, _, _ = pyspf.query(IPV4, "alice@d0.test", HELO).check(f"v=spf1 {term}")
    assert is_refused == (result == "permerror")


# --- Where we differ, and why ---


@dataclass
class Deviation:
    """Two answers to one question; the section is the one that we follow."""

    section: str
    world: World
    ours: Found
    theirs: Found


def world(text: str, **records: str | list[str]) -> World:
    """A record of d0.test, and further ones: `a__x_test="192.0.2.1"`."""
    made: dict[tuple[str, str], list[str]] = {("d0.test", "TXT"): [text]}
    for key, values in records.items():
        kind, _, name = key.partition("__")
        made[name.replace("_", "."), kind.upper()] = (
            values if isinstance(values, list) else [values]
        )
    return World(made)


POINTER: Final = "1_2_0_192_in-addr_arpa"
TEN: Final = " ".join(["a:x.test"] * 9)

DEVIATIONS: Final = [
    # "redirect" counts when it is followed, not when it is written.
    Deviation(
        "4.6.4",
        world(f"v=spf1 a:x.test {TEN} ip4:192.0.2.1 redirect=none.test", a__x_test="192.0.2.9"),
        ("pass", ""),
        ("permerror", ""),
    ),
    # "terms" whose look-ups are void are limited, and a mail host without an address of the
    # client's family is not even one: mx of three IPv4-only hosts is no error to IPv6 clients.
    Deviation(
        "4.6.4",
        replace(
            world(
                "v=spf1 mx -all",
                mx__d0_test=["1 a.test.", "2 b.test.", "3 c.test."],
                a__a_test="192.0.2.1",
                a__b_test="192.0.2.2",
                a__c_test="192.0.2.3",
            ),
            address=IPV6,
        ),
        ("fail", ""),
        ("permerror", ""),
    ),
    # One name asked for through `ptr`, and names of the client's making, are not the domain's.
    Deviation(
        "4.6.4",
        world("v=spf1 ptr -all", **{f"ptr__{POINTER}": ["a.test", "b.test", "c.test"]}),
        ("fail", ""),
        ("permerror", ""),
    ),
    # Reading a record asks nothing: what is not reached is not looked up.
    Deviation(
        "4.6.2",
        replace(world("v=spf1 +all exists:%{p}.test"), failing=[("1.2.0.192.in-addr.arpa", "PTR")]),
        ("pass", ""),
        ("temperror", ""),
    ),
    # A mail host that matches ends the search.
    Deviation(
        "5.4",
        replace(
            world("v=spf1 mx -all", mx__d0_test=["1 a.test.", "2 b.test."], a__a_test="192.0.2.1"),
            failing=[("b.test", "A")],
        ),
        ("pass", ""),
        ("temperror", ""),
    ),
    # Errors of the reverse zone, and of the names in it, are passed over.
    Deviation(
        "5.5",
        replace(world("v=spf1 ptr -all"), failing=[("1.2.0.192.in-addr.arpa", "PTR")]),
        ("fail", ""),
        ("temperror", ""),
    ),
    Deviation(
        "5.5",
        replace(
            world(
                "v=spf1 ptr -all",
                **{f"ptr__{POINTER}": ["a.test", "b.d0.test"]},
                a__b_d0_test="192.0.2.1",
            ),
            failing=[("a.test", "A")],
        ),
        ("pass", ""),
        ("temperror", ""),
    ),
    # exists has no default domain, with a qualifier either.
    Deviation("5.7", world("v=spf1 -exists +all"), ("permerror", ""), ("pass", "")),
    # A modifier that nobody knows may stand twice, with any macro, and has no say.
    Deviation("6", world("v=spf1 x=1 x=2 -all"), ("fail", ""), ("permerror", "")),
    Deviation("6", world("v=spf1 x=%{c} -all"), ("fail", ""), ("permerror", "")),
    # Names of modifiers are of either case.
    Deviation(
        "4.6.1",
        world("v=spf1 Redirect=d1.test", txt__d1_test="v=spf1 -all"),
        ("fail", ""),
        ("neutral", ""),
    ),
    # Including oneself is an error when it is met, behind a match it is not.
    Deviation("5.2", world("v=spf1 +all include:d0.test"), ("pass", ""), ("permerror", "")),
    # "%%" is a macro-expand, and may end a domain-spec.
    Deviation("7.1", world("v=spf1 a:x.%% -all"), ("fail", ""), ("permerror", "")),
    # Macros are letters, digits, "r" and delimiters, in this order; at least one part stays.
    Deviation("7.1", world("v=spf1 a:%{dx}.test -all"), ("permerror", ""), ("fail", "")),
    Deviation("7.3", world("v=spf1 a:%{d0}.test -all"), ("permerror", ""), ("fail", "")),
    # Parts are joined by dots, whatever split them.
    Deviation(
        "7.3",
        world("v=spf1 exists:%{v-}.test -all", a__in_addr_test="127.0.0.2"),
        ("pass", ""),
        ("fail", ""),
    ),
    # A path without a local part is postmaster's in %{s} too.
    Deviation(
        "4.3",
        replace(world("v=spf1 -all exp=why.test", txt__why_test="%{s}"), sender="@d0.test"),
        ("fail", "postmaster@d0.test"),
        ("fail", "@d0.test"),
    ),
    # As many labels go from a name that is too long as must, not one.
    Deviation(
        "7.3",
        world(
            f"v=spf1 exists:{'a.' * 10}{'.'.join(['x' * 49] * 5)}.y.z -all",
            **{f"a__{'_'.join(['x' * 49] * 5)}_y_z": "127.0.0.2"},
        ),
        ("pass", ""),
        ("fail", ""),
    ),
    # Only printable ASCII is told on.
    Deviation(
        "6.2",
        world("v=spf1 -all exp=why.test", txt__why_test="a\r\nb"),
        ("fail", ""),
        ("fail", "a\r\nb"),
    ),
]


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda one: f"section {one.section}")
def test_it_differs_from_pyspf_where_the_rfc_does(deviation: Deviation) -> None:
    assert deviation.ours != deviation.theirs
    assert ours(deviation.world) == deviation.ours
    assert theirs(deviation.world) == deviation.theirs
