"""DKIM keys read: who signs, what the records are, and what the DNS says of them."""

import asyncio
import base64
import logging

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.directory import dkim
from apps.directory.dkim import Finding
from apps.directory.models import DkimKey, DkimState, Domain
from apps.directory.services import dkim as keys
from apps.mailauth.keys import Algorithm, parse_record
from apps.resolver.live import live_resolver
from apps.runtime import sealing
from tests.support.dns_server import DnsServer


def test_a_new_domain_signs_at_once(domain: Domain) -> None:
    rows = dkim.keys_of(domain.name)
    assert sorted((row.algorithm, row.state) for row in rows) == [
        ("ed25519", "active"),
        ("rsa", "active"),
    ]
    assert len(dkim.signers(domain.name)) == 2


def test_without_active_keys_nobody_signs(domain: Domain) -> None:
    DkimKey.objects.update(state=DkimState.RETIRING)
    assert dkim.signers(domain.name) == []


def test_active_keys_sign_rsa_first(domain: Domain) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        signers = dkim.signers(domain.name)
    assert len(queries) == 1
    assert [one.key.algorithm for one in signers] == [Algorithm.RSA, Algorithm.ED25519]
    assert {one.domain for one in signers} == {domain.name}
    published = {row.selector: row.text for row in dkim.keys_of(domain.name)}
    for one in signers:
        public = parse_record(published[one.selector].encode())
        assert public.verifies(one.key.sign(b"data"), b"data")


def test_nobody_signs_for_a_domain_that_is_not_ours(domain: Domain) -> None:
    assert dkim.signers("elsewhere.test") == []
    assert dkim.signers(f"sub.{domain.name}") == []


def test_private_keys_are_sealed_in_their_place(domain: Domain, other_domain: Domain) -> None:
    for key in DkimKey.objects.select_related("domain"):
        secret = sealing.open_sealed(
            key.secret, context=dkim.context(key.domain.name, key.selector)
        )
        assert secret not in bytes(key.secret)
        with pytest.raises(sealing.SealBrokenError):
            sealing.open_sealed(key.secret, context=dkim.context("elsewhere.test", key.selector))


def test_a_key_that_does_not_open_is_left_out_and_told(
    domain: Domain, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ENCRYPTION_KEY = (base64.b64encode(b"x" * 32).decode(),)
    dkim._opened.cache_clear()
    with caplog.at_level(logging.ERROR):
        assert dkim.signers(domain.name) == []
    assert "not in ENCRYPTION_KEY" in caplog.text


def test_what_people_see_holds_no_private_key(domain: Domain) -> None:
    for row in dkim.keys_of(domain.name):
        key = DkimKey.objects.get(selector=row.selector)
        for secret in (
            bytes(key.secret),
            sealing.open_sealed(key.secret, context=dkim.context(domain.name, row.selector)),
        ):
            assert base64.b64encode(secret)[:40].decode() not in repr(row)
        assert row.record == f"{row.selector}._domainkey.{domain.name}"
        assert "".join(row.strings) == row.text
        assert key.public in row.text


def test_it_lists_the_keys_of_all_domains_page_by_page(
    domain: Domain, other_domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dkim, "PAGE", 3)
    assert [row.domain for row in dkim.all_keys()] == [domain.name] * 2 + [other_domain.name] * 2


@pytest.mark.parametrize(
    ("records", "finding"),
    [
        (["{text}"], Finding.PUBLISHED),
        (["{spaced}"], Finding.PUBLISHED),
        ([], Finding.MISSING),
        (["v=DKIM1; p="], Finding.OTHER),
        (["something else"], Finding.OTHER),
        (["{other}"], Finding.OTHER),
        (["{text}", "{other}"], Finding.OTHER),
    ],
)
def test_it_knows_whether_a_record_is_there(
    domain: Domain, settings: Settings, records: list[str], finding: Finding
) -> None:
    row, other = sorted(dkim.keys_of(domain.name), key=lambda one: one.algorithm)
    forms = {
        "text": row.text,
        "other": other.text,
        "spaced": row.text.replace("v=DKIM1; ", "").replace("; ", ";"),
    }
    with DnsServer() as dns:
        settings.DNS_SERVERS = (dns.endpoint,)
        if records:
            dns.add(row.record, "TXT", *(_zone_form(one.format(**forms)) for one in records))
        assert asyncio.run(_look_up(row)) == [finding]


def _zone_form(text: str) -> str:
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))


async def _look_up(*rows: dkim.KeyRow) -> list[Finding]:
    return await dkim.look_up(rows, live_resolver())


def test_a_dns_that_fails_says_nothing(domain: Domain, settings: Settings) -> None:
    rows = dkim.keys_of(domain.name)
    with DnsServer() as dns:
        settings.DNS_SERVERS = (dns.endpoint,)
        for row in rows:
            dns.fail(row.record, "TXT", "SERVFAIL")
        assert asyncio.run(_look_up(*rows)) == [Finding.UNKNOWN] * 2


def test_a_dns_that_is_silent_does_not_keep_it(
    domain: Domain, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dkim, "SECONDS", 0.05)
    rows = dkim.keys_of(domain.name)
    with DnsServer() as dns:
        settings.DNS_SERVERS = (dns.endpoint,)
        for row in rows:
            dns.drop(row.record, "TXT")
        assert asyncio.run(_look_up(*rows)) == [Finding.UNKNOWN] * 2


def test_it_says_what_to_do_next(domain: Domain) -> None:
    first = dkim.keys_of(domain.name)[0]
    assert "Publish its record now" in dkim.next_step(first, Finding.MISSING)
    assert "Publish its record now" in dkim.next_step(first, Finding.OTHER)
    for finding in (None, Finding.UNKNOWN, Finding.PUBLISHED):
        assert dkim.next_step(first, finding) == "It signs. Its record must be in the DNS."
    second = dkim.row_of(keys.rotate(domain.name)[0])
    assert "takes over once that is seen" in dkim.next_step(second)
    assert "within minutes" in dkim.next_step(second, Finding.PUBLISHED)
