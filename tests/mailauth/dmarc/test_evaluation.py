"""Whether the author stands behind a message, and what is to be done if not."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import dmarc
from apps.mailauth.dmarc import Author, Identities, Published
from apps.mailauth.dmarc.record import Record
from apps.mailauth.types import Arc, Dkim, Dmarc, Policy, Result, Spf
from tests.support.zones import Zones

NONE, QUARANTINE, REJECT = Policy.NONE, Policy.QUARANTINE, Policy.REJECT
PASS, FAIL, TEMPERROR = Result.PASS, Result.FAIL, Result.TEMPERROR
BANK = Author(("bank.test",), True)


def _zones(record: str = "v=DMARC1; p=reject", domain: str = "bank.test") -> Zones:
    zones = Zones()
    zones.add(f"_dmarc.{domain}", "TXT", record)
    return zones


def _signed(*domains: str, result: Result = PASS) -> tuple[Dkim, ...]:
    return tuple(Dkim(result, domain, "s") for domain in domains)


async def _judge(
    zones: Zones,
    author: Author = BANK,
    *,
    spf: Spf | None = None,
    dkim: Sequence[Dkim] = (),
    arc: Arc | None = None,
    draw: int = 0,
) -> Dmarc:
    identities = Identities(spf or Spf(), dkim, arc or Arc())
    return await dmarc.evaluate(author, identities, zones, sample=lambda: draw)


@pytest.mark.parametrize(
    ("record", "author", "identity", "is_aligned"),
    [
        ("v=DMARC1; p=reject", "bank.test", "bank.test", True),
        ("v=DMARC1; p=reject", "bank.test", "mail.bank.test", True),
        ("v=DMARC1; p=reject", "mail.bank.test", "bank.test", True),
        ("v=DMARC1; p=reject", "a.bank.test", "b.bank.test", True),
        ("v=DMARC1; p=reject", "bank.test", "evilbank.test", False),
        ("v=DMARC1; p=reject", "bank.test", "bank.test.evil.test", False),
        ("v=DMARC1; p=reject", "bank.test", "test", False),
        ("v=DMARC1; p=reject", "bank.test", "", False),
        ("v=DMARC1; p=reject; adkim=s; aspf=s", "bank.test", "bank.test", True),
        ("v=DMARC1; p=reject; adkim=s; aspf=s", "bank.test", "mail.bank.test", False),
        ("v=DMARC1; p=reject; adkim=s; aspf=s", "mail.bank.test", "bank.test", False),
    ],
)
async def test_it_aligns_domains(record: str, author: str, identity: str, is_aligned: bool) -> None:
    zones, writer = _zones(record), Author((author,), True)
    by_spf = await _judge(zones, writer, spf=Spf(PASS, identity))
    by_dkim = await _judge(zones, writer, dkim=_signed("evil.test", identity))
    result = PASS if is_aligned else FAIL
    assert (by_spf.result, by_spf.spf, by_spf.dkim) == (result, is_aligned, False)
    assert (by_dkim.result, by_dkim.spf, by_dkim.dkim) == (result, False, is_aligned)
    assert by_spf.disposition is (NONE if is_aligned else REJECT)


@pytest.mark.parametrize("public", ["co.uk", "github.io"])
async def test_it_knows_strangers_under_one_suffix(public: str) -> None:
    zones = _zones(domain=f"bank.{public}")
    author = Author((f"bank.{public}",), True)
    for identity in (f"evil.{public}", public):
        found = await _judge(
            zones, author, spf=Spf(PASS, identity), dkim=_signed(identity, f"mail.{identity}")
        )
        assert (found.result, found.disposition) == (FAIL, REJECT)


@pytest.mark.parametrize(
    "result",
    [
        Result.NONE,
        Result.FAIL,
        Result.SOFTFAIL,
        Result.NEUTRAL,
        Result.POLICY,
        Result.PERMERROR,
    ],
)
async def test_only_a_pass_passes(result: Result) -> None:
    found = await _judge(
        _zones(), spf=Spf(result, "bank.test"), dkim=_signed("bank.test", result=result)
    )
    assert found == Dmarc(
        FAIL,
        "bank.test",
        "bank.test",
        "v=DMARC1; p=reject",
        REJECT,
        REJECT,
        reason="neither SPF nor DKIM shows that bank.test stands behind it",
    )


async def test_it_looks_at_one_mode_for_each() -> None:
    zones = _zones("v=DMARC1; p=reject; adkim=s")
    assert (await _judge(zones, spf=Spf(PASS, "a.bank.test"))).result is PASS
    assert (await _judge(zones, dkim=_signed("a.bank.test"))).result is FAIL


@pytest.mark.parametrize(
    ("record", "author", "policy"),
    [
        ("v=DMARC1; p=none", "bank.test", NONE),
        ("v=DMARC1; p=quarantine", "bank.test", QUARANTINE),
        ("v=DMARC1; p=none; sp=reject", "bank.test", NONE),
        ("v=DMARC1; p=none; sp=reject", "mail.bank.test", REJECT),
        ("v=DMARC1; p=reject; sp=none", "mail.bank.test", NONE),
        ("v=DMARC1; p=quarantine", "mail.bank.test", QUARANTINE),
    ],
)
async def test_it_does_what_the_domain_asks(record: str, author: str, policy: Policy) -> None:
    found = await _judge(_zones(record), Author((author,), True))
    assert (found.result, found.policy, found.disposition) == (FAIL, policy, policy)
    assert (found.author, found.domain, found.override) == (author, "bank.test", "")


@pytest.mark.parametrize(
    ("record", "draw", "disposition", "override"),
    [
        ("p=reject; pct=30", 29, REJECT, ""),
        ("p=reject; pct=30", 30, QUARANTINE, "sampled_out"),
        ("p=quarantine; pct=30", 29, QUARANTINE, ""),
        ("p=quarantine; pct=30", 99, NONE, "sampled_out"),
        ("p=reject; pct=0", 0, QUARANTINE, "sampled_out"),
        ("p=reject; pct=100", 99, REJECT, ""),
        ("p=none; pct=0", 99, NONE, ""),
        ("p=reject; t=y", 0, QUARANTINE, "other"),
        ("p=quarantine; t=y", 0, NONE, "other"),
        ("p=none; t=y", 0, NONE, ""),
    ],
)
async def test_it_spares_some(record: str, draw: int, disposition: Policy, override: str) -> None:
    found = await _judge(_zones(f"v=DMARC1; {record}"), draw=draw)
    assert (found.result, found.disposition, found.override) == (FAIL, disposition, override)


def test_it_draws_fairly() -> None:
    drawn = [dmarc.sample() for _ in range(2_000)]
    assert set(drawn) <= set(range(100))
    assert 600 < sum(one < 50 for one in drawn) < 1_400


async def test_it_believes_a_trusted_forwarder() -> None:
    arc = Arc(PASS, 1, ("list.test",), "list.test")
    found = await _judge(_zones(), arc=arc)
    assert (found.result, found.policy, found.disposition, found.override) == (
        FAIL,
        REJECT,
        NONE,
        "trusted_forwarder",
    )
    nobody_vouches = await _judge(_zones(), arc=Arc(PASS, 1, ("list.test",)))
    assert nobody_vouches.disposition is REJECT
    nothing_to_lift = await _judge(_zones("v=DMARC1; p=none"), arc=arc)
    assert (nothing_to_lift.disposition, nothing_to_lift.override) == (NONE, "")


@pytest.mark.parametrize("domain", ["bank.test", "mail.bank.test"])
async def test_it_waits_for_what_could_have_passed(domain: str) -> None:
    for found in (
        await _judge(_zones(), spf=Spf(TEMPERROR, domain)),
        await _judge(_zones(), dkim=_signed(domain, result=TEMPERROR)),
    ):
        assert (found.result, found.policy, found.disposition) == (TEMPERROR, REJECT, NONE)
    # What passes needs nothing more.
    found = await _judge(_zones(), spf=Spf(TEMPERROR, domain), dkim=_signed("bank.test"))
    assert found.result is PASS


async def test_a_silent_name_server_of_the_forger_excuses_nothing() -> None:
    found = await _judge(
        _zones(),
        spf=Spf(TEMPERROR, "evil.test"),
        dkim=_signed("evil.test", "bank.test.evil.test", result=TEMPERROR),
        arc=Arc(TEMPERROR, 2, ("evil.test", "list.test")),
    )
    assert (found.result, found.disposition) == (FAIL, REJECT)


async def test_it_says_what_the_dns_owes() -> None:
    zones = _zones()
    zones.fail("_dmarc.bank.test")
    found = await _judge(zones, spf=Spf(PASS, "bank.test"))
    assert (found.result, found.disposition) == (TEMPERROR, NONE)


@pytest.mark.parametrize(
    ("records", "result"),
    [
        ([], Result.NONE),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], Result.NONE),
        (["v=DMARC1; p=all"], Result.PERMERROR),
        (["x" * 60_000], Result.NONE),
    ],
)
async def test_it_does_nothing_without_a_policy(records: list[str], result: Result) -> None:
    zones = Zones()
    zones.add("_dmarc.bank.test", "TXT", *records)
    found = await _judge(zones, spf=Spf(PASS, "bank.test"), dkim=_signed("bank.test"))
    assert (found.result, found.disposition) == (result, NONE)
    assert found.reason


class TestSeveral:
    """From fields that name several domains, or can be read in several ways."""

    TWO = Author(("evil.test", "bank.test"), True, reason="the From field names several domains")
    CROOKED = Author(("evil.test", "bank.test"), False, reason="there are several From fields")

    @pytest.mark.parametrize("author", [TWO, CROOKED])
    async def test_the_strictest_policy_applies(self, author: Author) -> None:
        found = await _judge(
            _zones(), author, spf=Spf(PASS, "evil.test"), dkim=_signed("evil.test")
        )
        assert (found.result, found.disposition, found.domain) == (FAIL, REJECT, "bank.test")
        assert (found.author, found.reason) == ("", author.reason)

    async def test_they_never_pass(self) -> None:
        both = _signed("evil.test", "bank.test")
        for author in (self.TWO, self.CROOKED):
            for zones in (_zones(), Zones(), _zones("v=DMARC1; p=none")):
                found = await _judge(zones, author, spf=Spf(PASS, "bank.test"), dkim=both)
                assert found.result in {FAIL, Result.PERMERROR}

    async def test_who_stands_behind_it_asks_for_nothing(self) -> None:
        found = await _judge(_zones(), self.TWO, dkim=_signed("bank.test"))
        assert (found.result, found.disposition) == (Result.PERMERROR, NONE)

    async def test_a_signature_saves_no_crooked_field(self) -> None:
        # A genuine message of the bank with a second From field above the signed one.
        crooked = Author(("bank.test",), False, reason="there are several From fields")
        found = await _judge(
            _zones(), crooked, spf=Spf(PASS, "bank.test"), dkim=_signed("bank.test")
        )
        assert (found.result, found.disposition) == (FAIL, REJECT)

    async def test_nobody_vouches_for_them(self) -> None:
        arc = Arc(PASS, 1, ("list.test",), "list.test")
        assert (await _judge(_zones(), self.TWO, arc=arc)).disposition is REJECT

    async def test_they_are_sampled_too(self) -> None:
        found = await _judge(_zones("v=DMARC1; p=reject; pct=10"), self.CROOKED, draw=50)
        assert (found.disposition, found.override) == (QUARANTINE, "sampled_out")

    async def test_a_policy_that_is_not_known_may_be_strict(self) -> None:
        zones = Zones()
        zones.fail("_dmarc.bank.test")
        assert (await _judge(zones, self.TWO)).result is TEMPERROR

    async def test_a_slow_name_server_hides_no_other_policy(self) -> None:
        zones = _zones()
        zones.drop("_dmarc.evil.test")
        found = await dmarc.policies(self.TWO, zones, seconds=0.05)
        assert [(one.author, one.result, one.policy) for one in found] == [
            ("evil.test", TEMPERROR, NONE),
            ("bank.test", Result.NONE, REJECT),
        ]
        judged = dmarc.judge(self.TWO, Identities(), found)
        assert (judged.result, judged.disposition) == (FAIL, REJECT)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert all(task.cancelling() for task in left)

    async def test_a_crowd_is_not_let_in(self) -> None:
        zones = Zones()
        crowd = Author(("a.test", "b.test"), True, is_crowd=True, reason="x")
        found = await _judge(zones, crowd, dkim=_signed("a.test", "b.test"))
        assert (found.result, found.disposition, found.override) == (
            Result.PERMERROR,
            REJECT,
            "local_policy",
        )
        assert zones.count() == 0


async def test_nobody_is_asked_for_nobody() -> None:
    zones = Zones()
    found = await _judge(zones, Author(reason="there is no From field"), spf=Spf(PASS, ""))
    assert found == Dmarc(Result.NONE, reason="there is no From field")
    assert zones.count() == 0


_NAMES = ("bank.test", "mail.bank.test", "a.mail.bank.test", "evil.test", "bank.test.evil.test", "")
_names = st.sampled_from(_NAMES)
_results = st.sampled_from(list(Result))
_policies = st.sampled_from(list(Policy))
_identities = st.builds(
    Identities,
    spf=st.builds(Spf, _results, _names),
    dkim=st.lists(st.builds(Dkim, _results, _names), max_size=3),
    arc=st.builds(Arc, _results, vouched=st.sampled_from(("", "list.test"))),
)
_records = st.builds(
    Record,
    _policies,
    _policies,
    percent=st.integers(0, 100),
    is_testing=st.booleans(),
    is_dkim_strict=st.booleans(),
    is_spf_strict=st.booleans(),
)
_known = st.builds(
    Published,
    author=st.sampled_from(("bank.test", "mail.bank.test")),
    domain=st.just("bank.test"),
    text=st.just("v=DMARC1; ..."),
    record=_records,
)
_unknown = st.builds(
    Published,
    author=st.sampled_from(("bank.test", "evil.test")),
    result=st.sampled_from((Result.NONE, Result.PERMERROR, Result.TEMPERROR)),
)


@given(st.one_of(_known, _unknown), _identities, st.integers(0, 99))
def test_one_author_is_judged_by_the_rules(
    published: Published, identities: Identities, draw: int
) -> None:
    found = dmarc.judge(
        Author((published.author,), True), identities, [published], sample=lambda: draw
    )
    order = [NONE, QUARANTINE, REJECT]
    passing = [one.domain for one in identities.dkim if one.result is PASS]
    if identities.spf.result is PASS:
        passing.append(identities.spf.domain)
    of_the_bank = [one for one in passing if one in _NAMES[:3]]
    assert found.author == published.author
    assert order.index(found.disposition) <= order.index(found.policy)
    assert (found.disposition is found.policy) or found.override or found.result is not FAIL
    if found.result is PASS:
        assert published.record is not None
        assert of_the_bank
        assert found.spf or found.dkim
    if found.result is not FAIL:
        assert found.disposition is NONE
    elif published.author in passing:
        pytest.fail("what is authenticated passes in any mode")
    if identities.arc.vouched:
        assert found.disposition is NONE


@given(
    st.lists(st.one_of(_known, _unknown), min_size=2, max_size=4),
    _identities,
    st.booleans(),
    st.integers(0, 99),
)
def test_several_authors_never_pass(
    published: list[Published], identities: Identities, is_plain: bool, draw: int
) -> None:
    author = Author(tuple(one.author for one in published), is_plain, reason="several")
    found = dmarc.judge(author, identities, published, sample=lambda: draw)
    assert found.result in {FAIL, TEMPERROR, Result.PERMERROR}
    assert found.author == ""
    strictest = max([one.policy for one in published], key=[NONE, QUARANTINE, REJECT].index)
    if not is_plain:
        assert found.policy is strictest
