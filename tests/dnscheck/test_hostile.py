"""Name servers that are away, lie, send nonsense or never end: a calm sentence each, in time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rrset
import pytest
from django.test import override_settings

from apps.directory.models import Domain
from apps.dnscheck import asking, judging
from apps.dnscheck.answers import Answers, Problem
from apps.dnscheck.findings import Standing
from tests.dnscheck.ground import HOST, World, harbor, zone_text
from tests.support.dnssec import dnssec

pytestmark = pytest.mark.django_db
LONG = pytest.mark.long  # each is waited for in vain, and looked at by the same lines
LATEST = asking.SECONDS + 1.5  # seconds; the machine has other work too


def _ask(net: World, domain: Domain) -> tuple[Answers, dict[str, tuple[Standing, str]]]:
    began = time.monotonic()
    wanted, answers = net.ask(domain)
    assert time.monotonic() - began < LATEST
    found = judging.judge(wanted, answers, host=HOST)
    return answers, {one.wanted.id: (one.standing, one.sentence) for one in found}


@contextmanager
def _held() -> Iterator[threading.Event]:
    """An event that ends what waits for it."""
    event = threading.Event()
    try:
        yield event
    finally:
        event.set()


def test_servers_that_are_away_leave_what_everybody_else_sees(net: World) -> None:
    for server in (net.first, net.second):
        server.drop("")

    answers, found = _ask(net, harbor())

    assert answers.zone.problem is Problem.SILENT
    assert judging.trouble(answers) == ""
    assert found["mx"][0] is Standing.RIGHT


def test_one_server_that_is_away_is_no_trouble(net: World) -> None:
    net.second.drop("")
    wanted, answers = net.ask(harbor())
    found = {one.wanted.id: one for one in judging.judge(wanted, answers, host=HOST)}
    assert judging.trouble(answers) == ""
    assert (found["mx"].standing, found["mx"].seen, found["mx"].asked) == (Standing.RIGHT, 2, 3)


def test_a_resolver_that_is_away_is_our_own_matter(net: World) -> None:
    domain = harbor()
    net.resolver.drop("")

    answers, found = _ask(net, domain)

    assert not judging.counts(answers)
    assert judging.trouble(answers) == (
        "The name server of this host does not answer, so nothing could be asked."
    )
    assert {standing for standing, _ in found.values()} == {Standing.UNKNOWN}


def test_a_resolver_that_is_offline_itself_is_too(net: World) -> None:
    domain = harbor()
    net.resolver.fail("")  # SERVFAIL to everything, the root included
    answers, _ = _ask(net, domain)
    assert answers.zone.problem is Problem.OFFLINE


def test_a_domain_that_nobody_has_registered(net: World) -> None:
    answers, found = _ask(net, harbor("pier.example"))

    sentence = "There is no such domain in the DNS: it is not registered, or not active yet."
    assert judging.trouble(answers) == sentence
    assert found["mx"] == (Standing.MISSING, sentence)
    assert found["tls-rpt"] == (Standing.UNKNOWN, sentence)


def test_a_domain_that_was_handed_to_servers_which_do_not_know_it(net: World) -> None:
    net.resolver.fail("harbor.example")
    net.first.unload("harbor.example")
    net.second.unload("harbor.example")

    answers, found = _ask(net, harbor())

    assert answers.zone.problem is Problem.LAME
    assert found["mx"] == (
        Standing.WRONG,
        "The name servers that the domain was handed to do not know it: set it up there, or enter"
        " the right ones at the registrar.",
    )


def test_one_server_that_does_not_know_the_domain_is_named(net: World) -> None:
    net.second.unload("harbor.example")
    answers, found = _ask(net, harbor())
    assert judging.trouble(answers) == (
        "The name server ns2.dns-host.example does not know the domain; others do."
    )
    assert found["mx"][0] is Standing.RIGHT


def test_servers_that_do_not_agree(net: World) -> None:
    net.second.load(zone_text("dmarc-missing"))
    _, found = _ask(net, harbor())
    assert found["dmarc"] == (
        Standing.WRONG,
        "Your name servers do not agree: ns1.dns-host.example has it right, and"
        " ns2.dns-host.example has not: see that all of them get the newest zone.",
    )


def test_a_change_that_not_everybody_has_seen_waits_for_the_old_copy_to_end(net: World) -> None:
    net.resolver.load(zone_text("mx-elsewhere"))
    wanted, answers = net.ask(harbor())
    (found,) = [one for one in judging.judge(wanted, answers, host=HOST) if one.wanted.id == "mx"]
    assert (found.standing, found.seen, found.asked) == (Standing.WAITING, 2, 3)
    assert found.expires_at is not None
    assert (found.expires_at - answers.asked_at).total_seconds() == 300


def test_a_copy_that_claims_to_last_for_ever_is_not_believed(net: World) -> None:
    net.resolver.load(zone_text("mx-elsewhere").replace("$TTL 300", "$TTL 2147483647"))
    wanted, answers = net.ask(harbor())
    (found,) = [one for one in judging.judge(wanted, answers, host=HOST) if one.wanted.id == "mx"]
    assert found.expires_at is not None
    assert (found.expires_at - answers.asked_at).days == 7


def _another_id(query: dns.message.Message) -> bytes:
    answer = dns.message.make_response(query)
    answer.id = query.id ^ 0xFFFF
    return answer.to_wire()


def _another_question(query: dns.message.Message) -> bytes:
    other = dns.message.make_query("evil.example", "TXT", id=query.id)
    answer = dns.message.make_response(other)
    answer.answer.append(dns.rrset.from_text("evil.example.", 60, "IN", "TXT", '"v=DMARC1"'))
    return answer.to_wire()


@pytest.mark.parametrize(
    "make",
    [
        _another_id,
        _another_question,
        pytest.param(lambda query: b"", marks=LONG),
        pytest.param(lambda query: b"\xff" * 600, marks=LONG),
        pytest.param(lambda query: query.to_wire(), marks=LONG),
        lambda query: query.to_wire()[:12] + b"\xc0\x0c" * 20,
    ],
    ids=["id", "question", "nothing", "garbage", "echo", "pointers"],
)
def test_what_is_no_answer_is_passed_over(
    net: World, make: Callable[[dns.message.Message], bytes]
) -> None:
    for server in (net.resolver, net.first, net.second):
        server.raw("_dmarc.harbor.example", "TXT", make)
    _, found = _ask(net, harbor())
    assert found["dmarc"][0] is Standing.UNKNOWN
    assert found["mx"][0] is Standing.RIGHT


def test_an_answer_that_never_ends_over_tcp(net: World) -> None:
    seen: set[int] = set()
    with _held() as end:

        def make(query: dns.message.Message) -> bytes:
            if query.id in seen:
                end.wait(30)
            return _cut_off(query, seen)

        net.first.raw("_dmarc.harbor.example", "TXT", make)
        net.second.raw("_dmarc.harbor.example", "TXT", make)
        net.resolver.fail("_dmarc.harbor.example")
        _, found = _ask(net, harbor())
    assert found["dmarc"][0] is Standing.UNKNOWN


def test_an_answer_that_comes_octet_by_octet_over_tcp(net: World) -> None:
    seen: set[int] = set()
    net.first.raw("_dmarc.harbor.example", "TXT", lambda query: _cut_off(query, seen))
    net.first.trickle("_dmarc.harbor.example")
    net.resolver.fail("_dmarc.harbor.example")
    net.second.fail("_dmarc.harbor.example")
    _, found = _ask(net, harbor())
    assert found["dmarc"][0] is Standing.UNKNOWN
    assert found["mx"][0] is Standing.RIGHT


def _cut_off(query: dns.message.Message, seen: set[int]) -> bytes:
    """What sends the asker to TCP, where the same question comes again."""
    seen.add(query.id)
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.AA | dns.flags.TC
    return answer.to_wire()


def test_a_huge_answer_is_read_a_little_and_kept_even_less(net: World) -> None:
    seen: set[int] = set()

    def make(query: dns.message.Message) -> bytes:
        if query.id not in seen:
            return _cut_off(query, seen)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        texts = [f'"{number} {"x" * 250}"' for number in range(220)]
        name = query.question[0].name
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *texts))
        return answer.to_wire(max_size=65_535)

    for server in (net.first, net.second):
        server.raw("_dmarc.harbor.example", "TXT", make)
    wanted, answers = net.ask(harbor())
    (found,) = [
        one for one in judging.judge(wanted, answers, host=HOST) if one.wanted.id == "dmarc"
    ]
    assert found.standing is Standing.WRONG
    assert len(found.found) <= 5
    assert all(len(text) <= 500 for text in found.found)


def test_aliases_that_lead_round_through_other_zones(net: World) -> None:
    loop = "_dmarc CNAME loop.elsewhere.example.\n"
    net.load(zone_text("dmarc-missing") + loop)
    net.resolver.fail("loop.elsewhere.example")
    net.resolver.fail("_dmarc.harbor.example")
    _, found = _ask(net, harbor())
    assert found["dmarc"] == (Standing.UNKNOWN, "The name server could not answer just now.")


def test_an_alias_to_where_somebody_else_keeps_the_record_is_right(net: World) -> None:
    net.load(zone_text("dmarc-missing") + "_dmarc CNAME d.reports.example.\n")
    zone = '$ORIGIN reports.example.\nd 60 TXT "v=DMARC1; p=reject; rua=mailto:x@reports.example"\n'
    net.resolver.load(zone)
    _, found = _ask(net, harbor())
    assert found["dmarc"][0] is Standing.RIGHT


def test_a_zone_cannot_have_us_ask_our_neighbours(net: World) -> None:
    with override_settings(SMTP_OUT_PRIVATE=False):
        answers, found = _ask(net, harbor())
    assert (net.above.questions, net.first.questions, net.second.questions) == ([], [], [])
    assert answers.zone.problem is Problem.FORBIDDEN
    assert found["mx"][0] is Standing.RIGHT  # what a resolver says


def test_a_stranger_cannot_have_many_servers_asked(net: World) -> None:
    many = "".join(f"@ NS ns{number}.dns-host.example.\n" for number in range(3, 40))
    net.load(zone_text("healthy") + many)
    wanted, answers = net.ask(harbor())
    assert len(answers.zone.servers) == 4
    assert wanted


def test_a_zone_whose_signatures_are_broken(net: World) -> None:
    zone = {"harbor.example": ["@ MX 10 mail.host.example.", "mail A 192.0.2.25"]}
    with (
        dnssec({"signed.test": ["mx A 127.0.0.1"]}, bogus=zone) as endpoint,
        override_settings(DNS_SERVERS=(endpoint,)),
    ):
        answers, found = _ask(net, harbor())
    assert answers.zone.problem is Problem.BOGUS
    standing, sentence = found["mx"]
    assert standing is Standing.WRONG
    assert sentence.startswith("The zone's DNSSEC is broken")
