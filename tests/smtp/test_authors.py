"""Headers that no honest program writes, by the hundred, at the real door: whatever is taken shows
no reader the domain that wants its forgeries refused, and one set of results, ours."""

import random
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.directory.models import User
from apps.mailauth import reading
from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services.columns import cuts_of
from apps.mime import headers
from tests.smtp.queue import only
from tests.support.dns_server import DnsServer
from tests.support.smtp_dialogue import BALANCER, Answer, Running, running

SEED = 20261126
SHORT, LONG = 40, 1_500  # messages

AUTHORS = (
    b"ceo@bank.test",
    b"<ceo@bank.test>",
    b"eve@evil.test",
    b"<eve@evil.test>",
    *(bytes([mark]) for mark in b'"()<>,;:@\\ .x\x00\xff'),
    b"\r\n ",
    b"=?utf-8?q?ceo=40bank.test?=",
    b"Name",
    "\u00e9\uff20".encode(),
)
RESULTS = (
    b"mail.example.test",
    b"MAIL.example.test.",
    b"; dmarc=pass",
    *(bytes([mark]) for mark in b'"()\\ 1='),
    b"\r\n ",
    b"x.test",
    b"\xc3\xa9",
)
TAGS = (
    *b"v=1;| a=rsa-sha256;| d=bank.test;| d=evil.test;| s=s1;| h=from:to;| bh=AAAA;| b=AAAA;".split(
        b"|"
    ),
    *b" l=0;| x=1;| t=|i=1;|i=2;| cv=none;| cv=pass;|;|=|\r\n |\xff".split(b"|"),
)
# Names of fields, what their values are made of, and how often they come.
FIELDS = (
    ((b"From: ", b"FROM : ", b"from\t:", b"From: A <eve@evil.test>, "), AUTHORS, 5),
    ((b"Authentication-Results: ", b"authentication-results : ", b"Received-SPF: "), RESULTS, 2),
    (
        (
            b"DKIM-Signature: ",
            b"ARC-Seal: ",
            b"ARC-Message-Signature: ",
            b"ARC-Authentication-Results: ",
        ),
        TAGS,
        2,
    ),
    ((b"X: y",), (b"z",), 1),
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def smtp(settings: Settings) -> Iterator[Running]:
    with DnsServer() as dns:
        dns.text("bank.test", "v=spf1 -all")
        dns.text("_dmarc.bank.test", "v=DMARC1; p=reject")
        dns.text("evil.test", "v=spf1 +all")
        dns.text("_dmarc.evil.test", "v=DMARC1; p=none")
        settings.DNS_SERVERS = (dns.endpoint,)
        settings.TRUSTED_PROXIES = (BALANCER,)
        settings.RECEIVE_MESSAGES_PER_USER = 2 * LONG
        with running("smtp") as found:
            yield found


@pytest.mark.parametrize("count", [SHORT, pytest.param(LONG, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
def test_what_is_taken_deceives_nobody(
    smtp: Running,
    alice: User,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    count: int,
) -> None:
    chance = random.Random(SEED)
    taken = 0
    for _ in range(count):
        raw = _message(chance)
        answer = _give(smtp, raw, chance)
        if answer.code == 250:
            taken += 1
            _check_what_is_shown(settings.MAIL_HOSTNAME)
            QueuedMessage.objects.all().delete()
        else:
            assert answer.starts("550 5.7.26"), (raw, answer)
    assert 0 < taken < count
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def _message(chance: random.Random) -> bytes:
    lines = []
    for _ in range(chance.randint(1, 6)):
        names, pieces, _often = chance.choices(FIELDS, [often for *_, often in FIELDS])[0]
        lines.append(
            chance.choice(names) + b"".join(chance.choices(pieces, k=chance.randint(0, 6)))
        )
    header = b"\r\n".join(lines) + b"\r\n"
    while b"\r\n \r\n" in header:  # would end it for some
        header = header.replace(b"\r\n \r\n", b"\r\n")
    return header + b"\r\nbody\r\n"


def _give(smtp: Running, raw: bytes, chance: random.Random) -> Answer:
    address = ".".join(["11", *(str(chance.randint(1, 254)) for _ in range(3))])
    with smtp.client(seen_as=address) as client:
        assert client.ask(f"EHLO {chance.choice(['evil.test', 'bank.test'])}").code == 250
        sender = chance.choice(["x@evil.test", "", "x@bank.test", "x@sub.bank.test"])
        assert client.ask(f"MAIL FROM:<{sender}>").code == 250
        answer = client.ask("RCPT TO:<alice@example.test>")
        assert answer.code == 250, answer
        assert client.ask("DATA").code == 354
        return client.text(raw.replace(b"\r\n.", b"\r\n.."))


def _check_what_is_shown(hostname: str) -> None:
    kept = only()
    shown, at = kept.prefix, 0
    for start, end in cuts_of(kept.row.cuts):
        shown, at = shown + kept.raw[at:start], end
    block = headers.scan(shown + kept.raw[at:])
    hosts = {one.host.lower().rstrip(b".") for one in block.addresses(b"from") if one.host}
    assert b"bank.test" not in hosts, kept.raw
    owners = [reading.authserv_id(one) for one in block.all(b"authentication-results")]
    assert [one for one in owners if one in (hostname, "", None)] == [hostname], kept.raw
