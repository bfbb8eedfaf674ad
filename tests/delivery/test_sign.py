"""What goes before copies that leave us: whose key signs what, and that strangers agree."""

import errno
import json
import time
from collections.abc import Iterator
from uuid import uuid4

import dkim as dkimpy
import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.delivery import process, sign
from apps.delivery.accept import accept
from apps.delivery.sign import Lookups
from apps.directory import dkim
from apps.directory.models import DkimKey, DkimState, Domain
from apps.mailauth import arc, message, signature
from apps.mailauth.types import Arc, Authentication, Result
from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services import Claimed, ClaimedRecipient, EnvelopeRecipient
from apps.provisioning import services as provisioning
from apps.reception.judging import Case, Judgement
from tests.support.dns_server import DnsServer
from tests.support.mail import submission
from tests.support.rspamd import rspamd

BODY = b"Hello  there \r\n\r\n\r\n"
PREFIX = b"Received: from client by mail.example.test; Thu, 26 Nov 2026 00:00:00 +0000\r\n"


def text(sender: str, more: bytes = b"") -> bytes:
    return (
        b"From: Somebody <" + sender.encode() + b">\r\n" + more + b"To: x@elsewhere.test\r\n"
        b"Subject: Hello\r\nDate: Thu, 26 Nov 2026 00:00:00 +0000\r\n"
        b"Message-ID: <1@example.test>\r\n\r\n" + BODY
    )


def claimed(
    *originals: str,
    door: str = "submission",
    sender: str = "alice@example.test",
    prefix: bytes = PREFIX,
    cuts: tuple[tuple[int, int], ...] = (),
    judgement: str = "",
) -> Claimed:
    return Claimed(
        id=uuid4(),
        token=uuid4(),
        blob_id=uuid4(),
        trace_id=uuid4(),
        prefix=prefix,
        cuts=cuts,
        sender=sender,
        door=door,
        user_id=1 if door == "submission" else None,
        received_at_us=0,
        crashes=0,
        judgement=judgement,
        recipients=[
            ClaimedRecipient(number, "x@elsewhere.test", original, None, 0)
            for number, original in enumerate(originals or ("x@elsewhere.test",))
        ],
    )


@pytest.fixture
def signing(domain: Domain, other_domain: Domain) -> None:
    """Both domains sign: their keys do from the start."""


@pytest.fixture
def dns(settings: Settings) -> Iterator[DnsServer]:
    with DnsServer() as server:
        settings.DNS_SERVERS = (server.endpoint,)
        yield server


def publish(dns: DnsServer) -> None:
    for row in dkim.all_keys():
        dns.add(row.record, "TXT", " ".join(f'"{one}"' for one in row.strings))


def txt(name: bytes, timeout: int = 5) -> bytes | None:
    records = {row.record: row.text.encode() for row in dkim.all_keys()}
    return records.get(name.decode().rstrip("."))


def signed_by(fields: bytes) -> list[str]:
    found = message.read_fields(fields)
    return [signature.read(one).domain for one in found if one.name == b"dkim-signature"]


def sign_all(one: Claimed, raw: bytes, lookups: Lookups | None = None) -> bytes:
    return sign.signatures(one, raw, one.recipients, lookups or Lookups())


def test_what_a_user_writes_is_signed_as_it_leaves(signing: None) -> None:
    raw = text("alice@example.test", b"Bcc: secret@elsewhere.test\r\n")
    start = raw.index(b"Bcc:")
    cut = (start, raw.index(b"To:"))
    one = claimed(cuts=(cut,))
    fields = sign_all(one, raw)
    assert signed_by(fields) == ["example.test"] * 2
    sent = fields + PREFIX + raw[: cut[0]] + raw[cut[1] :]
    for number in (0, 1):
        assert dkimpy.DKIM(sent).verify(number, dnsfunc=txt)


@pytest.mark.parametrize(
    ("author", "sender", "domains"),
    [
        ("alice@example.test", "alice@example.test", ["example.test"]),
        ("Alice@EXAMPLE.test", "eve@other.test", ["example.test"]),
        ("boss@foreign.test", "eve@other.test", ["other.test"]),  # a policy let it through
        ("boss@foreign.test", "bounce@foreign.test", []),
        ("boss@sub.example.test", "boss@sub.example.test", []),  # not ours, though it ends so
        ("nobody", "", []),
    ],
)
def test_the_domain_of_from_signs_else_that_of_the_reverse_path(
    signing: None, author: str, sender: str, domains: list[str]
) -> None:
    fields = sign_all(claimed(sender=sender), text(author))
    assert sorted(set(signed_by(fields))) == domains


def test_sender_lends_nobody_a_key(signing: None) -> None:
    raw = text("boss@foreign.test", b"Sender: eve@other.test\r\n")
    assert sign_all(claimed(sender="x@elsewhere.test"), raw) == b""


def test_two_authors_get_no_key_of_one(signing: None) -> None:
    raw = b"From: eve@other.test\r\n" + text("alice@example.test")
    assert signed_by(sign_all(claimed(sender=""), raw)) == []


def test_our_own_reports_are_signed(signing: None) -> None:
    one = claimed(door="report", sender="")
    fields = sign_all(one, text("postmaster@mail.example.test"))
    assert signed_by(fields) == ["example.test"] * 2
    user_s = claimed(door="submission", sender="")
    assert sign_all(user_s, text("postmaster@mail.example.test")) == b""


@pytest.mark.parametrize("door", ["mx", "lmtp"])
def test_what_strangers_write_in_our_name_is_never_signed_as_ours(signing: None, door: str) -> None:
    one = claimed("list@example.test", door=door, sender="forger@elsewhere.test")
    fields = sign_all(one, text("alice@example.test"))
    assert signed_by(fields) == []
    assert b"ARC-Seal: i=1;" in fields
    assert b"dkim-signature" not in fields.lower()


def test_nothing_is_signed_for_nobody(signing: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert sign.signatures(claimed(), text("alice@example.test"), [], Lookups()) == b""
    assert not queries


def test_without_active_keys_mail_leaves_unsigned(domain: Domain) -> None:
    DkimKey.objects.update(state=DkimState.RETIRING)
    assert sign_all(claimed(), text("alice@example.test")) == b""
    assert sign_all(claimed("list@example.test", door="mx"), text("a@sender.test")) == b""


def test_it_costs_one_statement_for_each_domain_of_a_batch(signing: None) -> None:
    lookups = sign.look_up([])
    with CaptureQueriesContext(connection) as queries:
        for author in ("alice@example.test", "eve@other.test"):
            for _ in range(3):
                assert sign_all(claimed(sender=author), text(author), lookups)
        forwarded = claimed("list@example.test", door="mx", sender="a@sender.test")
        assert sign_all(forwarded, text("a@sender.test"), lookups)
    assert len(queries) == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"To: x@y.test\r\n" * 400 + text("alice@example.test"),
        b"X: y\r\n" * 300_000 + text("alice@example.test"),
    ],
    ids=["many", "large"],
)
@pytest.mark.parametrize("door", ["submission", "mx"])
def test_what_cannot_be_signed_leaves_unsigned(signing: None, raw: bytes, door: str) -> None:
    assert sign_all(claimed("list@example.test", door=door), raw) == b""


def test_relayed_mail_is_left_alone(signing: None) -> None:
    assert sign_all(claimed(door="mx", sender="a@sender.test"), text("a@sender.test")) == b""


def test_the_forwarding_domain_seals(signing: None, dns: DnsServer) -> None:
    publish(dns)
    one = claimed("someone@removed.test", "list@other.test", door="mx", sender="a@sender.test")
    raw = text("a@sender.test")
    sealed = sign_all(one, raw) + PREFIX + raw
    taken = message.split(sealed)
    chain = arc.read(taken)
    assert chain.record_names == {_record("other.test")}
    assert dkimpy.arc_verify(sealed, dnsfunc=txt)[0] == b"pass"


def _record(domain: str) -> str:
    return next(row.record for row in dkim.keys_of(domain) if row.algorithm == "rsa")


def _forwarded(raw: bytes, at: str) -> bytes:
    """As a server with our code, for another domain, would send it on."""
    one = claimed(f"list@{at}", door="mx", sender="a@sender.test")
    lookups = sign.look_up([(one, raw)])
    return sign_all(one, raw, lookups) + PREFIX + raw


def test_it_continues_a_chain_that_holds(signing: None, dns: DnsServer) -> None:
    publish(dns)
    twice = _forwarded(_forwarded(text("a@sender.test"), "example.test"), "other.test")
    assert b"ARC-Seal: i=2;" in twice
    assert b"i=2; mail.example.test; arc=pass" in twice
    assert dkimpy.arc_verify(twice, dnsfunc=txt)[0] == b"pass"


def test_it_closes_a_chain_that_does_not_hold(signing: None, dns: DnsServer) -> None:
    publish(dns)
    once = _forwarded(text("a@sender.test"), "example.test")
    twice = _forwarded(once.replace(b"Hello", b"Hullo"), "other.test")
    assert twice.startswith(b"ARC-Seal: i=2;")
    assert b"cv=fail" in twice.partition(b"ARC-Message")[0]
    thrice = _forwarded(twice, "example.test")
    assert not thrice.startswith(b"ARC-Seal")


def test_a_silent_dns_neither_breaks_a_chain_nor_keeps_us(
    signing: None, dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(dns)
    once = _forwarded(text("a@sender.test"), "example.test")
    monkeypatch.setattr(sign, "DNS_SECONDS", 0.05)
    dns.drop(_record("example.test"), "TXT")
    begin = time.monotonic()
    assert _forwarded(once, "other.test") == PREFIX + once
    assert time.monotonic() - begin < 5


def test_a_machine_without_file_descriptors_still_forwards(
    signing: None, dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = _forwarded(text("a@sender.test"), "example.test")

    def fail() -> None:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(sign, "live_resolver", fail)
    assert _forwarded(once, "other.test") == PREFIX + once


def _judged(result: Result) -> Judgement:
    return Judgement(Case(Authentication(arc=Arc(result, 1, ("example.test",)))))


@pytest.mark.parametrize(
    ("result", "seals"), [(Result.PASS, b"cv=pass"), (Result.FAIL, b"cv=fail")]
)
def test_what_the_door_found_out_is_sealed_and_not_asked_again(
    signing: None, dns: DnsServer, result: Result, seals: bytes
) -> None:
    publish(dns)
    once = _forwarded(text("a@sender.test"), "example.test")
    said = f"Authentication-Results: mail.example.test; spf=fail; arc={result} (i=1)\r\n".encode()
    judgement = json.dumps(_judged(result).as_data())
    one = claimed("list@other.test", door="mx", prefix=said + PREFIX, judgement=judgement)
    assert sign.look_up([(one, once)]) == Lookups()
    fields = sign.signatures(one, once, one.recipients, Lookups(), _judged(result))
    assert dns.questions == []
    assert fields.startswith(b"ARC-Seal: i=2;")
    assert seals in fields.partition(b"ARC-Message")[0]
    results = fields.partition(b"ARC-Authentication-Results:")[2]
    assert results.count(b"arc=") == 1
    assert b"spf=fail" in results
    if result is Result.PASS:
        sent = fields + said + PREFIX + once
        assert dkimpy.arc_verify(sent, dnsfunc=txt)[0] == b"pass"


def test_a_chain_that_the_door_could_not_verify_is_left_alone(
    signing: None, dns: DnsServer
) -> None:
    publish(dns)
    once = _forwarded(text("a@sender.test"), "example.test")
    judged = _judged(Result.TEMPERROR)
    one = claimed("list@other.test", door="mx")
    assert sign.signatures(one, once, one.recipients, Lookups(), judged) == b""


def test_no_chain_asks_no_dns(signing: None, dns: DnsServer) -> None:
    fake = text("a@sender.test") + b"\r\nARC-Seal: i=1; in the body\r\n"
    inbound = claimed("list@example.test", door="mx")
    local = claimed("bob@example.test", door="mx")
    local.recipients[0] = ClaimedRecipient(1, "bob@example.test", "bob@example.test", 7, 0)
    sealed = b"ARC-Seal: i=1; d=sender.test; s=s; a=rsa-sha256; cv=none; b=AA\r\n" + fake
    assert sign.look_up([(inbound, fake), (claimed(), sealed), (local, sealed)]).records == {}
    assert dns.questions == []


def test_a_batch_of_hostile_chains_asks_a_bounded_number_of_questions(
    signing: None, dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign, "RECORDS_MAX", 5)
    batch = []
    for number in range(20):
        raw = (
            b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=d%d.test; s=s; b=AAAA\r\n"
            b"ARC-Message-Signature: i=1; a=rsa-sha256; d=d%d.test; s=s; h=from; bh=AAAA;"
            b" b=AAAA\r\n"
            b"ARC-Authentication-Results: i=1; x; none\r\n" % (number, number)
        ) + text("a@sender.test")
        batch.append((claimed("list@example.test", door="mx"), raw))
    lookups = sign.look_up(batch)
    assert len(lookups.records) == 5
    assert set(lookups.records.values()) == {()}
    assert all(sign_all(one, raw, lookups) is not None for one, raw in batch)


def test_only_our_own_results_are_passed_on(signing: None) -> None:
    ours = (
        b"Authentication-Results: mail.example.test;\r\n\tspf=pass smtp.mailfrom=sender.test;\r\n"
    )
    prefix = ours.rstrip(b";\r\n") + b"\r\n" + PREFIX
    forged = b"Authentication-Results: mail.example.test; dkim=pass header.d=bank.test\r\n"
    one = claimed("list@example.test", door="mx", prefix=prefix)
    fields = sign_all(one, forged + text("a@sender.test"))
    (results,) = [f for f in message.read_fields(fields) if f.name == arc.RESULTS]
    told = b" ".join(results.value.split())
    assert told == b"i=1; mail.example.test; arc=none; spf=pass smtp.mailfrom=sender.test"


def test_rspamd_says_that_signatures_and_seals_hold(signing: None, dns: DnsServer) -> None:
    publish(dns)
    raw = text("alice@example.test")
    sent = sign_all(claimed(), raw) + PREFIX + raw
    strange = text("a@sender.test")
    forwarded = _forwarded(_forwarded(strange, "example.test"), "other.test")
    cache.clear()
    with rspamd(dns.port) as verifier:
        client = {"address": "192.0.2.1", "helo": "mail.example.test"}
        found = verifier.verify(sent, sender="alice@example.test", **client)
        assert "R_DKIM_ALLOW" in found
        assert "R_DKIM_REJECT" not in found
        broken = verifier.verify(
            sent.replace(b"Hello  there", b"Hullo there"), sender="alice@example.test", **client
        )
        assert "R_DKIM_REJECT" in broken
        sealed = verifier.verify(forwarded, sender="a@sender.test", **client)
        assert "ARC_ALLOW" in sealed
        changed = verifier.verify(
            forwarded.replace(b"Hello  there", b"Hullo"), sender="a@sender.test", **client
        )
        assert {"ARC_REJECT", "ARC_INVALID"} & set(changed)


def test_an_alias_domain_signs_with_its_own_keys(signing: None) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    fields = sign_all(claimed(sender="alice@alias.test"), text("alice@alias.test"))
    assert signed_by(fields) == ["alias.test"] * 2


def test_the_queue_keeps_what_goes_before_the_message(signing: None, dns: DnsServer) -> None:
    publish(dns)
    raw = text("alice@example.test")
    one = submission(
        [EnvelopeRecipient("x@elsewhere.test", "x@elsewhere.test", None)],
        raw,
        prefix=PREFIX,
        sender="alice@example.test",
        door="submission",
    )
    strange = text("a@sender.test")
    other = submission(
        [EnvelopeRecipient("x@elsewhere.test", "list@other.test", None)],
        strange,
        prefix=PREFIX,
        sender="a@sender.test",
    )
    accept([one, other])
    assert process.run_once() == 2
    kept = dict(QueuedMessage.objects.values_list("id", "signatures"))
    assert dkimpy.DKIM(bytes(kept[one.id]) + PREFIX + raw).verify(0, dnsfunc=txt)
    forwarded = bytes(kept[other.id]) + PREFIX + strange
    assert dkimpy.arc_verify(forwarded, dnsfunc=txt)[0] == b"pass"
