"""TLSA records: which are found, which can be used, and what they match (RFC 6698, 7671, 7672)."""

from pathlib import Path

import pytest
from django.test import override_settings

from apps.remote import certificates, dane
from apps.remote.certificates import Problem
from apps.resolver.base import DnsUnavailableError, TlsaData
from apps.resolver.live import live_resolver
from tests.support.dns_server import DnsServer
from tests.support.handshake import handshake
from tests.support.test_ca import Authority, ServerCertificate

HOST = "mx.example.org"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def shown(server: ServerCertificate) -> list[bytes]:
    context = certificates.context(is_strict=True)
    return certificates.chain_of(handshake(server.context, context, HOST))


def record(text: str) -> TlsaData:
    usage, selector, matching, data = text.split()
    return TlsaData(int(usage), int(selector), int(matching), bytes.fromhex(data))


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("usage", [2, 3])
def test_it_matches_what_a_record_names(
    authority: Authority, usage: int, selector: int, matching: int
) -> None:
    server = authority.server(HOST)
    text = server.tlsa(3, selector, matching) if usage == 3 else authority.tlsa(selector, matching)
    (usable,) = dane.usable([record(text)])
    assert dane.problem([usable], shown(server), [HOST]) is None


def test_it_accepts_nothing_that_no_record_names(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    server = authority.server(HOST)
    for text in (stranger.server(HOST).tlsa(), stranger.tlsa(), server.tlsa(2)):
        found = dane.problem([record(text)], shown(server), [HOST])
        assert found is not None
        assert found.problem is Problem.NOT_TRUSTED


def test_it_asks_for_one_match_of_several(authority: Authority, tmp_path: Path) -> None:
    server, coming = authority.server(HOST), Authority(tmp_path, "coming").server(HOST)
    records = dane.usable([record(coming.tlsa()), record(server.tlsa())])
    assert dane.problem(records, shown(server), [HOST]) is None
    assert dane.problem(records, shown(coming), [HOST]) is None


def test_it_looks_at_neither_dates_nor_names_of_the_servers_own_key(authority: Authority) -> None:
    server = authority.server("else.example.org", is_expired=True)
    assert dane.problem([record(server.tlsa())], shown(server), [HOST]) is None


@pytest.mark.parametrize(
    ("is_expired", "name", "problem"),
    [(True, HOST, Problem.EXPIRED), (False, "else.example.org", Problem.HOST_MISMATCH)],
)
def test_it_looks_at_dates_and_names_below_an_authority(
    authority: Authority, is_expired: bool, name: str, problem: Problem
) -> None:
    server = authority.server(name, is_expired=is_expired)
    found = dane.problem([record(authority.tlsa())], shown(server), [HOST])
    assert found is not None
    assert found.problem is problem


def test_it_takes_an_authority_that_the_server_does_not_show(authority: Authority) -> None:
    server = authority.server(HOST)
    only_own = shown(server)[:1]
    assert dane.problem([record(authority.tlsa(0, 0))], only_own, [HOST]) is None
    assert dane.problem([record(authority.tlsa(0, 1))], only_own, [HOST]) is not None


@pytest.mark.parametrize(
    "text",
    [
        "0 0 1 " + "00" * 32,  # PKIX-TA and PKIX-EE say nothing for SMTP
        "1 1 1 " + "00" * 32,
        "4 1 1 " + "00" * 32,
        "3 2 1 " + "00" * 32,
        "3 1 3 " + "00" * 32,
        "3 1 1 " + "00" * 31,
        "3 1 1 " + "00" * 33,
        "3 1 2 " + "00" * 32,
        "3 1 0 " + "00" * 32,
        "2 0 0 " + "ff" * 32,
    ],
)
def test_it_leaves_out_records_that_cannot_be_used(text: str) -> None:
    assert dane.usable([record(text)]) == ()


def test_it_goes_by_the_strongest_digest_of_a_kind(authority: Authority) -> None:
    server = authority.server(HOST)
    weak, strong = record(server.tlsa(3, 1, 1)), record("3 1 2 " + "00" * 64)
    assert dane.usable([weak, strong]) == (strong,)
    assert dane.usable([weak, record("3 0 2 " + "00" * 64)])[0] == weak  # of another kind
    whole = record(server.tlsa(3, 1, 0))
    assert set(dane.usable([weak, strong, whole])) == {strong, whole}


def test_it_reads_no_certificate_that_is_none(authority: Authority) -> None:
    for chain in ([], [b""], [b"\xff" * 100]):
        found = dane.problem([record(authority.server(HOST).tlsa())], chain, [HOST])
        assert found is not None
        assert found.problem is Problem.NOT_TRUSTED


async def _find(dns: DnsServer, *bases: str) -> dane.Found | None:
    with override_settings(DNS_SERVERS=(dns.endpoint,)):
        return await dane.find(live_resolver(), bases, 25)


async def test_it_believes_secure_answers_only(authority: Authority) -> None:
    text = authority.server(HOST).tlsa()
    with DnsServer() as dns:
        dns.add(f"_25._tcp.{HOST}", "TLSA", text)
        dns.add("_25._tcp.mx.signed.test", "TLSA", text)
        dns.secure("signed.test")
        assert await _find(dns, HOST) is None
        found = await _find(dns, "mx.signed.test")
    assert found == dane.Found("mx.signed.test", (record(text),))


async def test_it_looks_where_the_alias_leads_and_then_at_the_alias(authority: Authority) -> None:
    text = authority.server(HOST).tlsa()
    with DnsServer() as dns:
        dns.secure("")
        dns.add("_25._tcp.alias.test", "TLSA", text)
        found = await _find(dns, "real.test", "alias.test")
        assert found is not None
        assert found.base == "alias.test"
        dns.add("_25._tcp.real2.test", "TLSA", text)
        found = await _find(dns, "real2.test", "alias.test")
    assert found is not None
    assert found.base == "real2.test"


async def test_it_knows_silence_from_a_denial() -> None:
    with DnsServer() as dns:
        dns.secure("")
        assert await _find(dns, HOST) is None
        dns.fail("_25._tcp.mx.broken.test")
        with pytest.raises(DnsUnavailableError):
            await _find(dns, "mx.broken.test")


async def test_it_looks_at_a_bounded_number_of_records() -> None:
    with DnsServer() as dns:
        dns.secure("")
        many = [f"3 1 1 {number:064x}" for number in range(90)]
        dns.add(f"_25._tcp.{HOST}", "TLSA", *many)
        found = await _find(dns, HOST)
    assert found is not None
    assert len(found.records) == dane.MAX_RECORDS
