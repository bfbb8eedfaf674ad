"""Verdicts on records, from answers that a test writes down: nobody is asked."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from apps.dnscheck import judging
from apps.dnscheck.answers import Answers, Key, Outcome, Problem, Reply, Zone
from apps.dnscheck.findings import Finding, Standing
from apps.dnscheck.records import Kind, Wanted
from apps.mailauth.types import Result, Spf
from tests.support.cost import cost

DOMAIN, HOST, ADDRESS = "harbor.example", "mail.host.example", "192.0.2.25"
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
ZONE = Zone(DOMAIN, ("ns1.dns-host.example",))
VALUES = {
    Kind.MX: ("MX", "@", f"10 {HOST}."),
    Kind.SPF: ("TXT", "@", f"v=spf1 a:{HOST} ~all"),
    Kind.DMARC: ("TXT", "_dmarc", "v=DMARC1; p=quarantine; rua=mailto:postmaster@harbor.example"),
    Kind.AUTOCONFIG: ("CNAME", "autoconfig", f"{HOST}."),
    Kind.TLSA: ("TLSA", f"_25._tcp.{HOST}", f"3 1 1 {'ab' * 32}"),
    Kind.CAA: ("CAA", "@", '0 issue "letsencrypt.org"'),
    Kind.PTR: ("PTR", "25.2.0.192.in-addr.arpa", f"{HOST}."),
    Kind.TLS_RPT: ("TXT", "_smtp._tls", "v=TLSRPTv1; rua=mailto:postmaster@harbor.example"),
}
FOREIGN = {Kind.TLSA, Kind.PTR}


def wanted(kind: Kind) -> Wanted:
    of, host, value = VALUES[kind]
    name = host if kind in FOREIGN else DOMAIN if host == "@" else f"{host}.{DOMAIN}"
    title = f"Reverse DNS of {ADDRESS}" if kind is Kind.PTR else kind.value
    required = kind in {Kind.MX, Kind.SPF, Kind.DMARC, Kind.PTR}
    return Wanted(kind.value, kind, of, host, name, (value,), title, "", required)


def reply(*records: str, ttl: int = 60, secure: bool = False, canonical: str = "") -> Reply:
    outcome = Outcome.RECORDS if records else Outcome.NO_NAME
    return Reply("ns1.dns-host.example", outcome, records, ttl, canonical, secure)


def judged(
    kind: Kind,
    *records: str,
    spf: Result = Result.PASS,
    mechanism: str = "",
    hosts: dict[str, Reply] | None = None,
    others: Mapping[Key, tuple[Reply, ...]] | None = None,
    one: Reply | None = None,
    authority: str = "",
    zone: Zone = ZONE,
) -> Finding:
    """The finding on one record, if this is what its servers say."""
    record = wanted(kind)
    key = (record.name, "A" if kind is Kind.AUTOCONFIG else record.type)
    said = {key: (one or reply(*records),)}
    answers = Answers(
        domain=DOMAIN,
        asked_at=AT,
        zone=zone,
        own={} if kind in FOREIGN else said,
        others={**(said if kind in FOREIGN else {}), **(others or {})},
        hosts=hosts or {},
        spf={ADDRESS: Spf(spf, DOMAIN, mechanism=mechanism)},
        addresses=(ADDRESS,),
        stray=f"stray.{DOMAIN}",
    )
    (found,) = judging.judge([record], answers, host=HOST, authority=authority)
    return found


def test_a_backup_behind_this_host_can_be_right() -> None:
    found = judged(Kind.MX, f"10 {HOST}.", "20 backup.example.")
    assert found.standing is Standing.BETTER
    assert "when this host is away it goes to backup.example" in found.sentence


def test_an_mx_host_with_the_same_number_gets_half_of_the_mail() -> None:
    found = judged(Kind.MX, f"10 {HOST}.", "10 other.example.")
    assert (found.standing, "as often as here" in found.sentence) == (Standing.WRONG, True)


def test_another_name_of_this_host_works() -> None:
    found = judged(Kind.MX, "10 mx.harbor.example.", hosts={"mx.harbor.example": reply(ADDRESS)})
    assert (found.standing, found.is_alarming) == (Standing.BETTER, False)


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        (f"v=spf1 a:{HOST} ~all", Standing.RIGHT),
        (f"v=spf1 mx ip4:{ADDRESS} -all", Standing.RIGHT),
        ("v=spf1 redirect=_spf.harbor.example", Standing.RIGHT),
        (f"v=spf1 a:{HOST} ?all", Standing.BETTER),
        (f"v=spf1 a:{HOST}", Standing.BETTER),
        (f"v=spf1 a:{HOST} +all", Standing.WRONG),
    ],
)
def test_spf_is_judged_by_what_it_does(text: str, standing: Standing) -> None:
    assert judged(Kind.SPF, text).standing is standing


def test_spf_that_cannot_be_worked_out_just_now_is_no_failure() -> None:
    found = judged(Kind.SPF, "v=spf1 include:away.example ~all", spf=Result.TEMPERROR)
    assert found.standing is Standing.UNKNOWN


def test_spf_that_took_too_long_is_no_failure() -> None:
    answers = Answers(
        DOMAIN,
        AT,
        ZONE,
        own={(DOMAIN, "TXT"): (reply("v=spf1 include:slow.example -all"),)},
        addresses=(ADDRESS,),
    )
    (found,) = judging.judge([wanted(Kind.SPF)], answers, host=HOST)
    assert (found.standing, "in time" in found.sentence) == (Standing.UNKNOWN, True)


def test_other_texts_at_the_domain_do_not_matter() -> None:
    found = judged(Kind.SPF, "google-site-verification=abc", f"v=spf1 a:{HOST} ~all")
    assert (found.standing, found.found) == (Standing.RIGHT, (f"v=spf1 a:{HOST} ~all",))


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        ("v=DMARC1; p=reject; rua=mailto:x@reports.example", Standing.RIGHT),
        ("v=DMARC1;p=quarantine;rua=mailto:x@reports.example", Standing.RIGHT),
        ("v=DMARC1; p=none; rua=mailto:x@reports.example", Standing.BETTER),
        ("v=DMARC1; p=reject; pct=50; rua=mailto:x@reports.example", Standing.BETTER),
        ("v=DMARC1; p=reject", Standing.BETTER),
        ("v=DMARC1; rua=mailto:x@reports.example", Standing.WRONG),
        ("v=DMARC1; p=reject; p=none", Standing.WRONG),
    ],
)
def test_dmarc(text: str, standing: Standing) -> None:
    assert judged(Kind.DMARC, text).standing is standing


def test_a_name_that_has_our_address_leads_here_without_an_alias() -> None:
    assert judged(Kind.AUTOCONFIG, ADDRESS).standing is Standing.RIGHT
    assert judged(Kind.AUTOCONFIG, "198.51.100.1").standing is Standing.WRONG
    assert judged(Kind.AUTOCONFIG).standing is Standing.UNSET


def test_reverse_dns_leads_back() -> None:
    forward = {(HOST, "A"): (reply(ADDRESS),)}
    assert judged(Kind.PTR, f"{HOST}.", others=forward).standing is Standing.RIGHT
    moved = {(HOST, "A"): (reply("198.51.100.1"),)}
    assert "leads to another address" in judged(Kind.PTR, f"{HOST}.", others=moved).sentence
    other = judged(Kind.PTR, "static-25.provider.example.")
    assert (other.standing, "static-25.provider.example" in other.sentence) == (
        Standing.WRONG,
        True,
    )
    assert judged(Kind.PTR).standing is Standing.MISSING


def test_a_tlsa_record_of_an_older_certificate_keeps_mail_away() -> None:
    stale = judged(Kind.TLSA, f"3 1 1 {'cd' * 32}")
    assert (stale.standing, "bring no mail" in stale.sentence) == (Standing.WRONG, True)
    right = VALUES[Kind.TLSA][2]
    assert judged(Kind.TLSA, one=reply(right, secure=True)).standing is Standing.RIGHT
    assert judged(Kind.TLSA, right).standing is Standing.BETTER  # nothing proves it
    assert judged(Kind.TLSA).standing is Standing.UNSET


def test_caa_is_wrong_only_where_our_authority_is_known() -> None:
    other = '0 issue "digicert.com"'
    assert judged(Kind.CAA, other).standing is Standing.RIGHT
    assert judged(Kind.CAA, other, authority="letsencrypt.org").standing is Standing.WRONG
    assert judged(Kind.CAA, '0 issue ";"').standing is Standing.WRONG
    assert judged(Kind.CAA, '0 iodef "mailto:a@b.example"').standing is Standing.UNSET


@pytest.mark.parametrize("problem", [one for one in Problem if one])
def test_each_trouble_of_a_zone_has_one_sentence(problem: Problem) -> None:
    answers = Answers(DOMAIN, AT, Zone(DOMAIN, (), problem))
    sentence = judging.trouble(answers)
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0


@pytest.mark.parametrize("outcome", [one for one in Outcome if not one.is_answer])
def test_each_way_of_not_answering_has_one_sentence(outcome: Outcome) -> None:
    found = judged(Kind.MX, one=Reply("ns1", outcome))
    assert found.standing in {Standing.UNKNOWN, Standing.WRONG}
    assert found.sentence.endswith(".")


def test_a_strangers_text_in_a_sentence_is_one_short_line() -> None:
    found = judged(Kind.MX, f"10 {'x' * 63}.{'y' * 63}.{'z' * 63}\n\x1b[31m.example.")
    assert "\n" not in found.sentence
    assert "\x1b" not in found.sentence
    assert len(found.sentence) < 300


def test_hostile_records_cost_little() -> None:
    many = tuple(f"v=spf1 {'a ' * 2_000}{number}" for number in range(50))
    assert cost(lambda: judged(Kind.SPF, *many)) < 0.2
    assert cost(lambda: judged(Kind.DMARC, *(f"v=DMARC1; {'p=none; ' * 500}",) * 50)) < 0.2
    assert cost(lambda: judged(Kind.TLS_RPT, "v=TLSRPTv1;" + " " * 4_000)) < 0.2
