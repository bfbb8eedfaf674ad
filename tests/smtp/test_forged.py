"""Forgers, and domains that mean harm with their records, at the real door and real name servers.

Whatever they publish or write: a defined result, in time, with few questions, and nobody whose name
is used without right gets anything by it.
"""

import json
import re
import time
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from apps.directory.models import User
from apps.resolver.stub import StubResolver
from tests.smtp.queue import only, queued
from tests.support.dns_server import DnsServer
from tests.support.senders import SELECTOR, SIGNED, Sender, letter
from tests.support.smtp_dialogue import BALANCER, Answer, Client, Running, running

CLIENT = "198.51.100.7"
SECONDS = 8.0  # of milliseconds; a busy machine is no failure
QUESTIONS = 60  # for one message, all checks together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dns(settings: Settings) -> Iterator[DnsServer]:
    with DnsServer() as server:
        settings.DNS_SERVERS = (server.endpoint,)
        settings.TRUSTED_PROXIES = (BALANCER,)
        settings.ARC_TRUSTED_SEALERS = ("list.test",)
        yield server


@pytest.fixture
def smtp(dns: DnsServer) -> Iterator[Running]:
    with running("smtp") as found:
        yield found


@pytest.fixture
def bank(dns: DnsServer) -> Sender:
    """A domain that wants forgeries refused, and that CLIENT may not send for."""
    sender = Sender("bank.test")
    sender.publish(dns, spf="v=spf1 ip4:192.0.2.1 -all", dmarc="v=DMARC1; p=reject")
    return sender


def give(smtp: Running, raw: bytes, sender: str = "x@evil.test", helo: str = "evil.test") -> Answer:
    """Hand in a message; the answer to it."""
    with smtp.client(seen_as=CLIENT) as client:
        assert client.ask(f"EHLO {helo}").code == 250
        assert client.ask(f"MAIL FROM:<{sender}>").code == 250
        assert client.ask("RCPT TO:<alice@example.test>").code == 250
        assert client.ask("DATA").code == 354
        began = time.monotonic()
        answer = client.text(raw.replace(b"\r\n.", b"\r\n.."))
        assert time.monotonic() - began < SECONDS
        return answer


def results(smtp: Running, raw: bytes, sender: str = "x@evil.test", helo: str = "evil.test") -> str:
    """What we write on a message that is taken, on one line."""
    answer = give(smtp, raw, sender, helo)
    assert answer.code == 250, answer
    prefix = only().prefix
    assert re.search(rb"\r\n(?![ \t])[^:\r\n]*(?:\r\n|\Z)", prefix[:-2]) is None, prefix
    field = re.match(rb"Authentication-Results:((?:[^\r]|\r\n[ \t])*)\r\n", prefix)
    assert field is not None, prefix
    return b" ".join(field[1].split()).decode()


# SPF that means harm


def _chain(dns: DnsServer, count: int, word: str) -> None:
    """Each record leads to the next one."""
    for number in range(count):
        name = f"n{number - 1}.evil.test" if number else "evil.test"
        dns.text(name, f"v=spf1 {word}n{number}.evil.test")


def eleven_includes(dns: DnsServer) -> None:
    _chain(dns, 12, "include:")


def eleven_redirects(dns: DnsServer) -> None:
    _chain(dns, 12, "redirect=")


def include_of_itself(dns: DnsServer) -> None:
    dns.text("evil.test", "v=spf1 include:evil.test -all")


def loop_of_two(dns: DnsServer) -> None:
    dns.text("evil.test", "v=spf1 include:other.test -all")
    dns.text("other.test", "v=spf1 redirect=evil.test")


def a_tree_of_includes(dns: DnsServer) -> None:
    """Each includes itself ten times: 10 ** 10 look-ups for who only counts depth."""
    dns.text("evil.test", "v=spf1 " + "include:evil.test " * 10)


def three_void_lookups(dns: DnsServer) -> None:
    dns.text("evil.test", "v=spf1 a:one.evil.test a:two.evil.test a:three.evil.test +all")


def eleven_mail_hosts(dns: DnsServer) -> None:
    dns.text("evil.test", "v=spf1 mx +all")
    dns.add("evil.test", "MX", *(f"10 mx{n}.evil.test." for n in range(11)))


def two_records(dns: DnsServer) -> None:
    dns.text("evil.test", "v=spf1 +all", "v=spf1 ip4:198.51.100.0/24")


def unknown_words(dns: DnsServer) -> None:
    dns.text("evil.test", "v=spf1 +all frobnicate:x.test ip4:1.2.3.4/99")


def octets(dns: DnsServer) -> None:
    dns.add("evil.test", "TXT", r'"v=spf1 \255\254\000\013\010 +all"')


def macros_without_end(dns: DnsServer) -> None:
    dns.text("evil.test", "v=spf1 exists:" + "%{l128r-}." * 2_000 + "evil.test +all")


def two_kilobytes_of_percent(dns: DnsServer) -> None:
    dns.text("evil.test", "v=spf1 exists:" + "%" * 2_001 + " +all")


PERMANENT = (
    *(eleven_includes, eleven_redirects, include_of_itself, loop_of_two, a_tree_of_includes),
    *(three_void_lookups, eleven_mail_hosts, two_records, unknown_words, octets),
    *(macros_without_end, two_kilobytes_of_percent),
)


@pytest.mark.parametrize("publish", PERMANENT)
def test_a_record_that_means_harm_is_a_permanent_error(
    smtp: Running, dns: DnsServer, alice: User, publish: Callable[[DnsServer], None]
) -> None:
    publish(dns)
    assert "spf=permerror" in results(smtp, letter("x@evil.test"))
    assert len(dns.questions) < QUESTIONS


def a_circle_of_aliases(dns: DnsServer) -> None:
    dns.add("evil.test", "CNAME", "other.test.")
    dns.add("other.test", "CNAME", "evil.test.")


def octets_that_are_no_answer(dns: DnsServer) -> None:
    dns.raw("evil.test", "TXT", lambda query: b"\xff" * 600)


def another_answer(dns: DnsServer) -> None:
    """To a question that was never asked."""
    dns.raw("evil.test", "TXT", lambda query: b"\0\0" + query.to_wire()[2:])


def cut_short(dns: DnsServer) -> None:
    dns.raw("evil.test", "TXT", lambda query: query.to_wire()[:14])


@pytest.mark.parametrize(
    "break_it", [a_circle_of_aliases, octets_that_are_no_answer, another_answer, cut_short]
)
def test_an_answer_that_is_none_is_a_temporary_error(
    dns: DnsServer, alice: User, break_it: Callable[[DnsServer], None]
) -> None:
    break_it(dns)
    hasty = StubResolver([(dns.host, dns.port)], is_trusted=False, try_seconds=0.5, seconds=1.0)
    with running("smtp", resolver=hasty) as smtp:
        assert "spf=temperror" in results(smtp, letter("x@evil.test"))


def test_an_oversized_answer_has_a_result(smtp: Running, dns: DnsServer, alice: User) -> None:
    dns.text("evil.test", *(f"{n} " + "x" * 250 for n in range(200)), "v=spf1 -all")
    assert "spf=fail" in results(smtp, letter("x@evil.test"))


def test_an_address_with_many_names_costs_few_questions(
    smtp: Running, dns: DnsServer, alice: User
) -> None:
    dns.text("evil.test", "v=spf1 ptr -all")
    dns.reverse(CLIENT, *(f"host{n}.evil.test" for n in range(200)))
    found = results(smtp, letter("x@evil.test"))
    assert "spf=fail" in found
    assert "iprev=pass" not in found
    assert len(dns.questions) < QUESTIONS


def test_nobody_explains_himself_into_a_header_or_a_reply(
    smtp: Running, dns: DnsServer, alice: User
) -> None:
    dns.text("evil.test", "v=spf1 -all exp=why.evil.test")
    dns.text("_dmarc.evil.test", "v=DMARC1; p=reject")
    dns.add("why.evil.test", "TXT", r'"no\013\010250 2.0.0 Ok\013\010X-Forged: yes\000\255 %{i}"')
    answer = give(smtp, letter("x@evil.test"))
    assert answer.code == 550
    for line in answer.lines:
        assert line.isascii()
        assert line.isprintable()
        assert not line.startswith(("250", "X-Forged"))
    assert queued() == []


@pytest.mark.parametrize(
    "helo",
    [
        "[198.51.100.7]",
        "[IPv6:2001:db8::1]",
        "-",
        "a" * 64 + ".test",
        ".".join(["a"] * 120),
        "evil..test",
        "_x.evil.test",
        "%{s}%{l}.test",
        "evil.test;spf=pass",
        'x"(\\',
        "1.2.3.4",
    ],
)
def test_any_hello_has_a_result(smtp: Running, dns: DnsServer, alice: User, helo: str) -> None:
    dns.text("evil.test", "v=spf1 +all")
    found = results(smtp, letter("x@evil.test"), helo=helo)
    assert found.count("smtp.mailfrom=") == 1
    assert "spf=pass" in found
    assert "pass" not in found.replace("spf=pass", "")


# signatures that mean harm


def test_fifty_signatures_cost_ten_keys(
    smtp: Running, dns: DnsServer, bank: Sender, alice: User
) -> None:
    field = bank.sign(letter("x@bank.test")).split(b"From:")[0]
    raw = letter("x@bank.test")
    for number in range(50):
        raw = field.replace(b"s=s1", b"s=k%d" % number) + raw
    assert give(smtp, raw).code == 550
    assert sum("._domainkey." in name for name, _ in dns.questions) <= 10


def no_key(dns: DnsServer) -> None:
    dns.text(f"{SELECTOR}._domainkey.bank.test", "v=DKIM1; k=rsa; p=")


def a_poem(dns: DnsServer) -> None:
    dns.text(f"{SELECTOR}._domainkey.bank.test", "Shall I compare thee to a summer's day? " * 100)


def not_base64(dns: DnsServer) -> None:
    dns.text(f"{SELECTOR}._domainkey.bank.test", "v=DKIM1; p=!!!!")


def another_sort(dns: DnsServer) -> None:
    dns.text(f"{SELECTOR}._domainkey.bank.test", "v=DKIM1; k=ed25519; p=" + "A" * 43 + "=")


def half_a_key(dns: DnsServer) -> None:
    dns.text(f"{SELECTOR}._domainkey.bank.test", f"v=DKIM1; p={Sender('bank.test').key[:200]}")


def for_another_service(dns: DnsServer) -> None:
    dns.text(f"{SELECTOR}._domainkey.bank.test", f"v=DKIM1; s=tlsrpt; p={Sender('bank.test').key}")


def for_another_hash(dns: DnsServer) -> None:
    dns.text(f"{SELECTOR}._domainkey.bank.test", f"v=DKIM1; h=sha1; p={Sender('bank.test').key}")


@pytest.mark.parametrize(
    "publish",
    [no_key, a_poem, not_base64, another_sort, half_a_key, for_another_service, for_another_hash],
)
def test_a_key_that_is_none_proves_nothing(
    smtp: Running,
    dns: DnsServer,
    bank: Sender,
    alice: User,
    publish: Callable[[DnsServer], None],
) -> None:
    publish(dns)
    assert give(smtp, bank.sign(letter("x@bank.test"))).code == 550


@pytest.mark.parametrize("bits", [512, 768])
def test_a_short_key_proves_nothing(smtp: Running, dns: DnsServer, alice: User, bits: int) -> None:
    weak = Sender("weak.test", bits)
    weak.publish(dns, spf="v=spf1 -all", dmarc="v=DMARC1; p=reject")
    answer = give(smtp, weak.sign(letter("x@weak.test")), "x@weak.test")
    assert answer.code == 550


Change = Callable[[bytes, Sender], bytes]


def add_text(raw: bytes, bank: Sender) -> bytes:
    return bank.sign(raw, length=True) + b"Send money.\r\n"


def add_html(raw: bytes, bank: Sender) -> bytes:
    """What a reader shows in place of the text, from behind the signed part."""
    return bank.sign(raw, length=True) + b"--b\r\nContent-Type: text/html\r\n\r\n<b>forged</b>\r\n"


def add_author(raw: bytes, bank: Sender) -> bytes:
    return b"From: boss@bank.test\r\n" + bank.sign(raw)


def add_author_below(raw: bytes, bank: Sender) -> bytes:
    return bank.sign(raw).replace(b"To: ", b"From: boss@bank.test\r\nTo: ")


def change_subject(raw: bytes, bank: Sender) -> bytes:
    return bank.sign(raw).replace(b"Subject: ", b"Subject: Urgent ")


def change_body(raw: bytes, bank: Sender) -> bytes:
    return bank.sign(raw).replace(b"The figures", b"The  forged figures")


def sign_without_author(raw: bytes, bank: Sender) -> bytes:
    signed = bank.sign(raw)
    return signed.replace(b"h=from : to", b"h=to", 1)


def an_old_one(raw: bytes, bank: Sender) -> bytes:
    return re.sub(rb"t=(\d+);", rb"t=1000000000; x=1000000001;", bank.sign(raw), count=1)


def a_weak_hash(raw: bytes, bank: Sender) -> bytes:
    return bank.sign(raw).replace(b"a=rsa-sha256", b"a=rsa-sha1", 1)


def for_others(raw: bytes, bank: Sender) -> bytes:
    """A signature of another domain that says it is the bank's."""
    return bank.sign(raw).replace(b"i=@bank.test", b"i=@evil.test", 1)


def a_nul_in_it(raw: bytes, bank: Sender) -> bytes:
    return bank.sign(raw).replace(b"d=bank.test", b"d=bank.test\0", 1)


def twice_the_tag(raw: bytes, bank: Sender) -> bytes:
    return bank.sign(raw).replace(b"d=bank.test", b"d=evil.test; d=bank.test", 1)


def another_version(raw: bytes, bank: Sender) -> bytes:
    return bank.sign(raw).replace(b"v=1;", b"v=2;", 1)


def only_a_field(raw: bytes, bank: Sender) -> bytes:
    return b"DKIM-Signature: v=1; a=rsa-sha256; d=bank.test; s=s1; h=from; bh=; b=\r\n" + raw


CHANGES: tuple[Change, ...] = (
    *(add_text, add_html, add_author, add_author_below, change_subject, change_body),
    *(sign_without_author, an_old_one, a_weak_hash, for_others, a_nul_in_it, twice_the_tag),
    *(another_version, only_a_field),
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_signature_for_something_else_proves_nothing(
    smtp: Running, bank: Sender, alice: User, change: Change
) -> None:
    forged = change(letter("ceo@bank.test"), bank)
    answer = give(smtp, forged)
    assert answer.code == 550, answer
    assert queued() == []


def test_a_signature_survives_what_it_may(smtp: Running, bank: Sender, alice: User) -> None:
    """The counterpart of the test above: relaxed forms, and fields that nobody signed."""
    raw = bank.sign(letter("ceo@bank.test"))
    raw = b"X-Spam: no\r\n" + raw.replace(b"Subject: Quarterly", b"SUBJECT:\r\n Quarterly ")
    found = results(smtp, raw + b"\r\n\r\n")
    assert "dkim=pass" in found
    assert "dmarc=pass" in found


def test_all_fields_signed_twice_are_safe_from_a_second_author(
    smtp: Running, bank: Sender, alice: User
) -> None:
    raw = bank.sign(letter("ceo@bank.test"), headers=(*SIGNED, b"from", b"subject"))
    assert "dkim=pass" in results(smtp, raw)
    assert give(smtp, b"Subject: forged\r\n" + raw).code == 550


# seals that mean harm

HONEST = ("dkim=pass header.d=bank.test", "dmarc=pass header.from=bank.test")
TALES = (
    # What a sealer tells of a forgery whose envelope and HELO were made up to sound like a result.
    ('spf=fail smtp.mailfrom="x; dmarc=pass header.from=bank.test"@evil.test', "dmarc=fail"),
    ("spf=fail (dmarc=pass header.from=bank.test) smtp.mailfrom=evil.test", "dmarc=fail"),
    ('spf=fail reason="dmarc=pass header.from=bank.test;"', "dmarc=fail header.from=bank.test"),
    ("dmarc=fail header.from=bank.test", "dmarc=pass header.from=bank.test"),
    ("dmarc=pass header.from=evil.test",),
    ("dmarc=pass header.from=bank.test.evil.test",),
    ("x-dmarc=pass header.from=bank.test",),
    ("dmarc=none header.from=bank.test policy.dmarc=pass",),
    ("spf=pass smtp.mailfrom=evil.test", "dkim=pass header.d=evil.test"),
)


def handed_on(sealer: Sender, *results: str) -> bytes:
    """A message of the bank's without signature, which somebody seals and sends on."""
    return sealer.seal(letter("ceo@bank.test"), *results)


@pytest.fixture
def sealer(dns: DnsServer) -> Sender:
    """Somebody whose seals count."""
    trusted = Sender("list.test")
    trusted.publish(dns)
    return trusted


def test_a_seal_that_counts_lifts(smtp: Running, bank: Sender, sealer: Sender, alice: User) -> None:
    """The counterpart of the tests below."""
    assert "arc=pass" in results(smtp, handed_on(sealer, *HONEST))


@pytest.mark.parametrize("told", TALES)
def test_a_seal_proves_no_more_than_it_tells(
    smtp: Running, bank: Sender, sealer: Sender, alice: User, told: tuple[str, ...]
) -> None:
    assert give(smtp, handed_on(sealer, *told)).code == 550


def _unsealed(raw: bytes) -> bytes:
    return raw[raw.index(b"ARC-Message-Signature") :]


def _renumbered(raw: bytes) -> bytes:
    return raw.replace(b"i=1;", b"i=2;")


def _twice(raw: bytes) -> bytes:
    return raw[: raw.index(b"From: ")] + raw


def _by_another(raw: bytes) -> bytes:
    return raw.replace(b"d=list.test", b"d=evil.test")


def _retold(raw: bytes) -> bytes:
    return raw.replace(b"header.d=bank.test", b"header.d=bank.test header.i=@bank.test")


def _disowned(raw: bytes) -> bytes:
    return raw.replace(b"cv=none", b"cv=fail")


def _with_two_authors(raw: bytes) -> bytes:
    return raw.replace(b"From: ", b"From: boss@bank.test\r\nFrom: ", 1)


def _longer(raw: bytes) -> bytes:
    return raw + b"Send money.\r\n"


@pytest.mark.parametrize(
    "change",
    [
        *(_unsealed, _renumbered, _twice, _by_another),
        *(_retold, _disowned, _with_two_authors, _longer),
    ],
)
def test_a_broken_seal_lifts_nothing(
    smtp: Running,
    bank: Sender,
    sealer: Sender,
    alice: User,
    change: Callable[[bytes], bytes],
) -> None:
    raw = handed_on(sealer, *HONEST)
    broken = change(raw)
    assert broken != raw
    assert give(smtp, broken).code == 550


def test_a_stranger_behind_a_trusted_seal_lifts_nothing(
    smtp: Running, bank: Sender, sealer: Sender, dns: DnsServer, alice: User
) -> None:
    """Whoever seals last might have changed all that came before."""
    stranger = Sender("evil.test")
    stranger.publish(dns)
    raw = stranger.seal(handed_on(sealer, *HONEST), "arc=pass", *HONEST)
    assert give(smtp, raw).code == 550


# DMARC


@pytest.mark.parametrize(
    ("author", "code"),
    [
        ("x@bank.test", 550),
        ("x@deep.below.bank.test", 550),
        ("x@bank.test.", 550),
        ("x@BANK.TEST", 550),
        ("x@notbank.test", 250),
        ("x@bank.test.evil.test", 250),
        ("x@test", 250),
    ],
)
def test_a_policy_is_that_of_the_organisation(
    smtp: Running, bank: Sender, dns: DnsServer, alice: User, author: str, code: int
) -> None:
    dns.text("evil.test", "v=spf1 +all")
    assert give(smtp, letter(author)).code == code


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ("v=DMARC1; p=reject; sp=none", 250),
        ("v=DMARC1; p=none; sp=reject", 550),
        ("v=DMARC1; p=reject; pct=0", 250),
        ("v=DMARC1; p=reject; pct=-1", 550),
        ("v=DMARC1;p=reject;adkim=x;aspf=x;rua=!!!", 550),
        ("v=DMARC1; p=\u0440eject", 250),
        ("v=DMARC2; p=reject", 250),
        ("p=reject; v=DMARC1", 250),
        ("v=DMARC1; p=reject; " + "x=y; " * 30, 550),
        ("v=DMARC1; p=reject; " + "x=y; " * 5_000, 250),  # too much to be one
    ],
)
def test_a_policy_is_read_as_published(
    smtp: Running, dns: DnsServer, alice: User, record: str, code: int
) -> None:
    Sender("shop.test").publish(
        dns, spf="v=spf1 -all", dmarc=record.encode("unicode_escape").decode()
    )
    assert give(smtp, letter("x@mail.shop.test"), "x@mail.shop.test").code == code


def test_a_neighbour_under_a_public_suffix_proves_nothing(
    smtp: Running, dns: DnsServer, alice: User
) -> None:
    """evil.co.uk and bank.co.uk are in one suffix and in two organisations."""
    evil = Sender("evil.co.uk")
    evil.publish(dns, spf="v=spf1 +all")
    dns.text("_dmarc.bank.co.uk", "v=DMARC1; p=reject")
    dns.text("_dmarc.co.uk", "v=DMARC1; p=none")
    raw = evil.sign(letter("x@bank.co.uk"))
    assert give(smtp, raw, "x@evil.co.uk").code == 550


@pytest.mark.parametrize(
    "author",
    [
        b"",
        b"From:\r\n",
        b"From: \r\n",
        b"From: bank.test\r\n",
        b"From: @bank.test\r\n",
        b"From: <>\r\n",
        b"From: undisclosed;\r\n",
        b"From: x@bank.test@evil.test\r\n",
        b"From: =?utf-8?q?x=40bank=2Etest?=\r\n",
        b"From: x@[192.0.2.1]\r\n",
        b"From: \xff\xfe@bank.test\r\n",
        b"From: x@bank.test\0.evil.test\r\n",
    ],
)
def test_an_author_that_is_none_is_never_the_banks(
    smtp: Running, bank: Sender, dns: DnsServer, alice: User, author: bytes
) -> None:
    """Taken or not: nothing says that the bank stands behind it."""
    dns.text("evil.test", "v=spf1 +all")
    raw = re.sub(rb"^From: .*\r\n", lambda _: author, letter("x@evil.test"))
    answer = give(smtp, raw)
    assert answer.code in {250, 550}
    if answer.code == 250:
        assert b"dmarc=pass" not in only().prefix
        assert b"header.from=bank.test" not in only().prefix or b"dmarc=fail" in only().prefix


# results that bear our name

OURS = (
    b"Authentication-Results: mail.example.test; dmarc=pass header.from=bank.test\r\n",
    b"authentication-results:mail.example.test;dmarc=pass header.from=bank.test\r\n",
    b"Authentication-Results: MAIL.EXAMPLE.TEST 1; dmarc=pass\r\n",
    b"Authentication-Results: mail.example.test.; dmarc=pass\r\n",
    b'Authentication-Results: "mail.example.test" ; dmarc=pass\r\n',
    b'Authentication-Results: "mail\\.example.test"; dmarc=pass\r\n',
    b"Authentication-Results: (c(c)) mail.example.test (c) 1 (c); dmarc=pass\r\n",
    b"Authentication-Results:\r\n\tmail.example.test;\r\n\tdmarc=pass\r\n",
    b"Authentication-Results \t: mail.example.test; dmarc=pass\r\n",
    b"Authentication-Results: mail.example.test dmarc=pass\r\n",
    b"Authentication-Results: mail.example.test\r\n",
    b"Authentication-Results: mail.example.test; (" + b"(" * 5_000 + b" dmarc=pass\r\n",
    b"Received-SPF: pass (mail.example.test: good) receiver=mail.example.test;\r\n",
    b"received-spf : Pass receiver = mail.example.test; client-ip=192.0.2.1\r\n",
)


@pytest.mark.parametrize("field", OURS, ids=lambda field: repr(field[:60]))
def test_nobody_else_signs_with_our_name(
    smtp: Running, dns: DnsServer, alice: User, field: bytes
) -> None:
    raw = b"X-First: 1\r\n" + field + letter("x@evil.test")
    assert give(smtp, raw).code == 250
    message = only()
    shown = bytearray(message.raw)
    for start, end in reversed(json.loads(message.row.cuts)):
        del shown[start:end]
    assert bytes(shown) == b"X-First: 1\r\n" + letter_of(raw)
    assert b"dmarc=pass" not in message.prefix


def letter_of(raw: bytes) -> bytes:
    return raw[raw.index(b"From: ") :]


def test_results_of_others_stay(smtp: Running, dns: DnsServer, alice: User) -> None:
    fields = (
        b"Authentication-Results: other.test; dkim=pass\r\n"
        b"Authentication-Results: mail.example.test.evil.test; dkim=pass\r\n"
        b"X-Authentication-Results: mail.example.test; dkim=pass\r\n"
        b"ARC-Authentication-Results: i=1; mail.example.test; dkim=pass\r\n"
    )
    raw = fields + letter("x@evil.test")
    assert give(smtp, raw).code == 250
    assert only().row.cuts == "[]"


# connections


def test_each_message_of_a_connection_is_judged_for_itself(
    smtp: Running, bank: Sender, dns: DnsServer, alice: User
) -> None:
    dns.text("evil.test", "v=spf1 +all")
    genuine, forged = bank.sign(letter("x@bank.test")), letter("x@bank.test")
    with smtp.ready(seen_as=CLIENT) as client:
        for raw, code in ((genuine, 250), (forged, 550), (genuine, 250), (forged, 550)):
            assert client.ask("MAIL FROM:<x@evil.test>").code == 250
            assert client.ask("RCPT TO:<alice@example.test>").code == 250
            client.send(b"BDAT 10\r\n" + raw[:10])
            assert client.reply().code == 250
            client.send(b"BDAT %d LAST\r\n" % len(raw[10:]) + raw[10:])
            assert client.reply().code == code
            assert client.ask("RSET").code == 250
    assert len(queued()) == 2


def test_a_new_hello_is_a_new_client(smtp: Running, dns: DnsServer, alice: User) -> None:
    dns.text("good.evil.test", "v=spf1 +all")
    dns.text("bad.evil.test", "v=spf1 -all")
    with smtp.client(seen_as=CLIENT) as client:
        for helo, result in (("good", "pass"), ("bad", "fail")):
            assert client.ask(f"EHLO {helo}.evil.test").code == 250
            assert client.ask("MAIL FROM:<>").code == 250
            assert client.ask("RCPT TO:<alice@example.test>").code == 250
            assert client.ask("DATA").code == 354
            assert client.text(letter(f"x@{helo}.evil.test")).code == 250
            found = queued()[-1].prefix.decode()
            assert f"spf={result} smtp.helo={helo}.evil.test" in " ".join(found.split())


def test_a_client_that_leaves_during_the_checks_leaves_nothing(
    smtp: Running, dns: DnsServer, bank: Sender, alice: User
) -> None:
    dns.delay("bank.test", 0.5, "TXT")
    for _ in range(20):
        with Client(smtp.ports["smtp"], seen_as=CLIENT) as client:
            client.reply()
            client.send(
                b"EHLO evil.test\r\nMAIL FROM:<x@bank.test>\r\nRCPT TO:<alice@example.test>\r\n"
                b"DATA\r\n"
            )
            client.send(letter("x@bank.test") + b".\r\n")
    dns.mend()
    assert give(smtp, letter("x@bank.test"), "x@bank.test").code == 550
    assert queued() == []
