"""Keys of signatures over real DNS: long, cut, at the end of wrong turns, or not served at all.

The rest of the folder asks zones in memory; what only packets show is here.
"""

import time
from collections.abc import Iterator

import dns.message
import pytest

from apps.mailauth import chain, dkim, verify
from apps.mailauth.keys import record_strings
from apps.mailauth.message import split
from apps.mailauth.types import Dkim, Result
from apps.resolver.stub import StubResolver
from tests.mailauth.samples import BOTH, DOMAIN, NOW, PLAIN, RECORDS, crafted
from tests.support.cost import spent
from tests.support.dns_server import DnsServer

NAME = f"r1._domainkey.{DOMAIN}"
RAW = crafted(PLAIN)


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer() as found:
        yield found


def _resolver(server: DnsServer) -> StubResolver:
    return StubResolver([(server.host, server.port)], is_trusted=False)


def _hasty(server: DnsServer) -> StubResolver:
    """For servers that say nothing."""
    place = [(server.host, server.port)]
    return StubResolver(place, is_trusted=False, try_seconds=0.2, seconds=0.5)


async def _result(resolver: StubResolver, raw: bytes = RAW) -> tuple[Result, str]:
    (found,) = await verify.verify(split(raw), resolver, now=NOW)
    return found.result, found.reason


def _asked(server: DnsServer) -> list[str]:
    """Names of keys; the resolver sees to the server's health with questions of its own."""
    return sorted(name for name, kind in server.questions if kind == "TXT")


def _quoted(*strings: str) -> str:
    """One TXT record of several strings, as in a zone file."""
    return " ".join(f'"{text}"' for text in strings)


async def test_a_key_in_several_strings_is_joined(server: DnsServer) -> None:
    strings = record_strings(RECORDS[NAME].decode())
    assert len(strings) > 1
    server.add(NAME, "TXT", _quoted(*strings))
    assert await _result(_resolver(server)) == (Result.PASS, "")


async def test_a_key_in_two_records_is_none(server: DnsServer) -> None:
    """The most frequent fault of zones: each half is a record of its own."""
    server.add(NAME, "TXT", *map(_quoted, record_strings(RECORDS[NAME].decode())))
    result, _ = await _result(_resolver(server))
    assert result is Result.PERMERROR


async def test_an_answer_that_fits_no_datagram_comes_by_tcp(server: DnsServer) -> None:
    fillers = [_quoted("x" * 250) for _ in range(30)]
    strings = record_strings(RECORDS[NAME].decode())
    server.add(NAME, "TXT", _quoted(*strings), *fillers[:10])
    server.truncate(NAME)
    assert await _result(_resolver(server)) == (Result.PASS, "")


async def test_an_oversized_answer_is_looked_at_in_bounded_time(server: DnsServer) -> None:
    server.add(NAME, "TXT", *(_quoted(*["x" * 250] * 2, f"{number}") for number in range(110)))
    with spent() as took:
        result, reason = await _result(_resolver(server))
        assert (result, reason) == (Result.PERMERROR, "key record: malformed tag")
    assert took.seconds < 2


async def test_a_record_as_long_as_a_message_is_no_key(server: DnsServer) -> None:
    server.add(NAME, "TXT", _quoted("v=DKIM1; n=", *["x" * 250] * 200))
    assert await _result(_resolver(server)) == (
        Result.PERMERROR,
        "key record: tag list is too long",
    )


async def test_cnames_are_followed_but_not_in_a_circle(server: DnsServer) -> None:
    server.add(NAME, "CNAME", "a.provider.test.")
    server.add("a.provider.test", "CNAME", "b.provider.test.")
    server.add("b.provider.test", "TXT", _quoted(*record_strings(RECORDS[NAME].decode())))
    assert await _result(_resolver(server)) == (Result.PASS, "")
    server.add("b.provider.test", "CNAME", f"{NAME}.")
    server.remove("b.provider.test", "TXT")
    result, _ = await _result(_resolver(server))
    assert result is Result.TEMPERROR


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"])
async def test_a_server_that_cannot_say_is_temporary(server: DnsServer, rcode: str) -> None:
    server.fail(NAME, rcode=rcode)
    assert (await _result(_resolver(server)))[0] is Result.TEMPERROR


async def test_a_server_that_says_no_is_lasting(server: DnsServer) -> None:
    assert await _result(_resolver(server)) == (Result.PERMERROR, "has no key in the DNS")
    server.add(NAME, "A", "192.0.2.1")
    assert await _result(_resolver(server)) == (Result.PERMERROR, "has no key in the DNS")


async def test_a_silent_server_is_temporary_and_in_bounded_time(server: DnsServer) -> None:
    server.drop("")
    begin = time.monotonic()
    assert (await _result(_hasty(server)))[0] is Result.TEMPERROR
    assert time.monotonic() - begin < 10


async def test_garbage_for_an_answer_is_temporary(server: DnsServer) -> None:
    def garbage(query: dns.message.Message) -> bytes:
        return query.to_wire()[:2] + b"\xff" * 40

    server.raw(NAME, "TXT", garbage)
    assert (await _result(_hasty(server)))[0] is Result.TEMPERROR


async def test_octets_that_are_no_text_are_no_key(server: DnsServer) -> None:
    server.add(NAME, "TXT", '"v=DKIM1; p=\\000\\255\\034;\\092"')
    assert (await _result(_resolver(server)))[0] is Result.PERMERROR


async def test_names_that_no_zone_can_have_are_not_asked_for(server: DnsServer) -> None:
    long = ".".join(["a" * 60] * 4)
    found = await verify.verify(
        split(crafted(PLAIN, selector=long, domain="b" * 60 + ".test")), _resolver(server), now=NOW
    )
    assert found[0].result is Result.PERMERROR
    assert _asked(server) == []


async def test_fifty_signatures_and_a_chain_ask_a_bounded_number_of_questions(
    server: DnsServer,
) -> None:
    """A message must not make a server of ours the weapon against the name servers of others."""
    raw = PLAIN
    for number in range(50):
        whose = b"d=d%d.victim.test; s=s; b=AA==" % number
        covers = b"a=rsa-sha256; h=from; bh=AA=="
        seal = b"a=rsa-sha256; cv=%s; d=s%d.victim.test; s=s; b=AA=="
        fields = [
            b"ARC-Seal: i=%d; " % (number + 1) + seal % (b"pass" if number else b"none", number),
            b"ARC-Message-Signature: i=%d; %s; %s"
            % (number + 1, covers, whose.replace(b"d=d", b"d=m")),
            b"ARC-Authentication-Results: i=%d; x; none" % (number + 1),
            b"DKIM-Signature: v=1; %s; %s" % (covers, whose),
        ]
        raw = b"".join(field + b"\r\n" for field in fields) + raw
    resolver, taken = _resolver(server), split(raw)
    found = await verify.verify(taken, resolver, now=NOW)
    assert found[-1] == Dkim(Result.NEUTRAL, reason="40 more signatures were not checked")
    handed_on = await chain.check(taken, resolver, now=NOW, trusted=(), author=DOMAIN)
    assert handed_on.result is Result.FAIL
    assert _asked(server) == sorted(
        f"s._domainkey.{name}.victim.test"
        for name in ("s49", "m49", *(f"d{number}" for number in range(40, 50)))
    )


async def test_a_second_message_asks_nothing_again(server: DnsServer) -> None:
    raw = dkim.sign(split(PLAIN), BOTH, now=NOW) + PLAIN
    for selector in ("r1", "e1"):
        name = f"{selector}._domainkey.{DOMAIN}"
        server.add(name, "TXT", _quoted(*record_strings(RECORDS[name].decode())))
    resolver = _resolver(server)
    for _ in range(3):
        found = await verify.verify(split(raw), resolver, now=NOW)
        assert [one.result for one in found] == [Result.PASS, Result.PASS]
    assert len(_asked(server)) == 2
