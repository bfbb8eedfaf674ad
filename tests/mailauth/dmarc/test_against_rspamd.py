"""DMARC as rspamd finds it: the same messages, the same records, another program.

Each message has a domain of its own, so that no answer is remembered from the last one. Left out is
the one thing in which rspamd differs: it does not read white space around "=", which the grammar of
RFC 7489 section 6.4 allows.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from apps.mailauth import dkim
from apps.mailauth.dkim import Signer
from apps.mailauth.inquiry import Inquiry
from apps.mailauth.keys import SigningKey, record_name, record_text
from apps.mailauth.message import split
from apps.mailauth.types import Client, Policy, Result
from tests.mailauth.samples import RSA
from tests.support.dns_server import DnsServer
from tests.support.rspamd import Rspamd, rspamd
from tests.support.zones import Zones

ADDRESS = "192.0.2.1"
NOW = 1_790_000_000
KEY = SigningKey(RSA.secret)

# What rspamd calls them. Where a record is void, it and we say so; the RFC has a word for neither.
BY_SYMBOL = {
    "DMARC_POLICY_ALLOW": "pass",
    "DMARC_POLICY_REJECT": "reject",
    "DMARC_POLICY_QUARANTINE": "quarantine",
    "DMARC_POLICY_SOFTFAIL": "none",
    "DMARC_NA": "-",
    "DMARC_BAD_POLICY": "-",
}

RECORDS = (
    "v=DMARC1; p=none",
    "v=DMARC1; p=quarantine",
    "v=DMARC1;p=reject;",
    "v=DMARC1; p=none; sp=reject",
    "v=DMARC1; p=reject; sp=none",
    "v=DMARC1; p=reject; adkim=s",
    "v=DMARC1; p=reject; aspf=s",
    "v=DMARC1; p=reject; adkim=s; aspf=s; pct=100",
    "v=DMARC1; p=quarantine; rua=mailto:a@b.test; fo=1",
    "v=DMARC1; p=reject; x=unknown",
    "v=DMARC2; p=reject",
    "",
)
AUTHORS = ("{}", "mail.{}")
# Whose reverse-path and signature it has, "" for none: of the author, near it, and a stranger's.
IDENTITIES = ("", "{}", "mail.{}", "a.b.{}", "x{}")


@dataclass(frozen=True, slots=True)
class Case:
    """A message that a client brings; `{}` is the organisation."""

    record: str
    author: str
    sender: str
    signer: str


CASES = [
    *(
        Case(record, "{}", *both)
        for record in RECORDS
        for both in (("", ""), ("{}", ""), ("", "{}"))
    ),
    *(
        Case(record, author, sender, signer)
        for record in (RECORDS[3], RECORDS[5], RECORDS[6], RECORDS[7])
        for author, sender, signer in itertools.product(AUTHORS, IDENTITIES, IDENTITIES)
    ),
]


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    with DnsServer() as dns:
        yield dns


@pytest.fixture(scope="module")
def verifier(dns: DnsServer) -> Iterator[Rspamd]:
    with rspamd(dns.port) as verifier:
        yield verifier


async def test_rspamd_finds_the_same(dns: DnsServer, verifier: Rspamd) -> None:
    differ = []
    for number, case in enumerate(CASES):
        name = f"org{number}.test"
        zones = Zones()
        raw = _message(case, name)
        sender = f"ann@{case.sender.format(name) or 'elsewhere.invalid'}"
        for owner, text in _records(case, name):
            zones.add(owner, "TXT", text)
            dns.text(owner, text)
        ours = await _ours(zones, raw, sender)
        theirs = _theirs(verifier, raw, sender)
        if ours != theirs:
            differ.append((case, ours, theirs))
    assert differ == []


def _message(case: Case, name: str) -> bytes:
    raw = (
        f"From: Ann <ann@{case.author.format(name)}>\r\nTo: bob@example.test\r\n"
        f"Subject: x\r\nDate: Thu, 26 Nov 2026 00:00:00 +0000\r\nMessage-ID: <1@{name}>\r\n"
        "\r\nx\r\n"
    ).encode()
    if not case.signer:
        return raw
    return dkim.sign(split(raw), [Signer(case.signer.format(name), "s", KEY)], now=NOW) + raw


def _records(case: Case, name: str) -> Iterator[tuple[str, str]]:
    if case.record:
        yield f"_dmarc.{name}", case.record
    if case.sender:
        yield case.sender.format(name), f"v=spf1 ip4:{ADDRESS} -all"
    if case.signer:
        yield record_name("s", case.signer.format(name)), record_text(RSA.algorithm, RSA.public)


async def _ours(zones: Zones, raw: bytes, sender: str) -> str:
    client = Client(ADDRESS, "mx.elsewhere.invalid", sender, "mail.us.test")
    found = (await Inquiry(client, zones, now=lambda: NOW).finish(raw)).dmarc
    if found.result is Result.FAIL:
        assert found.disposition is found.policy
        return found.policy.value
    assert found.disposition is Policy.NONE
    return "pass" if found.result is Result.PASS else "-"


def _theirs(verifier: Rspamd, raw: bytes, sender: str) -> str:
    symbols = verifier.verify(raw, sender=sender, address=ADDRESS, helo="mx.elsewhere.invalid")
    (found,) = [BY_SYMBOL[one] for one in symbols if one in BY_SYMBOL]
    return found
