"""TLS, signing in, LMTP: what happens between the connection and MAIL."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from pytest_django import Settings

from apps.remote.client import Carrier
from apps.remote.types import HopUnreachableError, NextHop, Outcome
from tests.remote.ground import SHORT, Policies, carrying, envelope, mx
from tests.support.dns_server import DnsServer
from tests.support.smtp_sink import (
    CLOSE,
    EXTENSIONS,
    GARBAGE,
    HANG,
    RESET,
    Action,
    SmtpSink,
    last,
)
from tests.support.test_ca import Authority

pytestmark = pytest.mark.usefixtures("private")

HOST = "mx.example.org"


@pytest.fixture
def sink(authority: Authority) -> Iterator[SmtpSink]:
    with SmtpSink(tls=authority.server(HOST).context) as server:
        yield server


@pytest.fixture
async def carrier(
    dns: DnsServer, authority: Authority, settings: Settings
) -> AsyncIterator[Carrier]:
    settings.EXTRA_CA = authority.file
    dns.mail("example.org")
    async with carrying(dns, replace(SHORT, handshake=4)) as made:
        yield made


def smtp(sink: SmtpSink, tls: str = "opportunistic", **more: str) -> NextHop:
    """A transport to the sink, by the name that its certificate has."""
    return NextHop("transport/1", "smtp", HOST, sink.port, tls, **more)


async def unreachable(
    carrier: Carrier, hop: NextHop, *, requires_tls: bool = False
) -> HopUnreachableError:
    with pytest.raises(HopUnreachableError) as caught:
        await carrier.connect(hop, requires_tls=requires_tls)
    return caught.value


def recorded(carrier: Carrier) -> list[tuple[str, bool]]:
    """What was counted: the failure, and whether mail could go."""
    policies = carrier._policies
    assert isinstance(policies, Policies)
    return [(verdict.failure or "", verdict.may_use) for _, verdict, _ in policies.recorded]


async def test_it_uses_tls_where_it_is_offered(carrier: Carrier, sink: SmtpSink) -> None:
    lane = await carrier.lane(mx(port=sink.port))
    (result,) = await lane.send(envelope())
    assert result.tls == "TLSv1.3 TLS_AES_256_GCM_SHA384 trusted"
    assert (sink.messages[0].tls, sink.count("EHLO")) == ("TLSv1.3", 2)
    assert recorded(carrier) == [("", True)]


async def test_it_is_content_with_any_certificate_when_no_policy_asks(
    carrier: Carrier, authority: Authority
) -> None:
    with SmtpSink(tls=authority.server("other.example", is_expired=True).context) as sink:
        (result,) = await (await carrier.lane(mx(port=sink.port))).send(envelope())
    assert (result.outcome, result.tls.split()[-1]) == (Outcome.DELIVERED, "untrusted")


async def test_it_forgets_what_was_offered_before_tls(carrier: Carrier, sink: SmtpSink) -> None:
    sink.on("EHLO", "250 sink.test\n250 STARTTLS\n250 SIZE 10\n250 DSN", times=1)
    (result,) = await (await carrier.lane(mx(port=sink.port))).send(envelope())
    assert result.outcome is Outcome.DELIVERED
    assert result.kept_dsn
    assert b"SIZE" not in sink.messages[0].text


@pytest.mark.parametrize(
    "injected",
    [
        b"220 go ahead\r\n250 sink.test\r\n",
        b"220 go ahead\r\n250-evil.test\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n250 2.1.0 fine\r\n",
        b"220 go ahead\r\n250-half a rep",
    ],
)
async def test_it_throws_away_what_was_said_in_the_clear(
    carrier: Carrier, sink: SmtpSink, injected: bytes
) -> None:
    """CVE-2011-0411 the other way round: answers injected before TLS."""
    sink.on("STARTTLS", injected)
    lane = await carrier.lane(mx(port=sink.port))
    (result,) = await lane.send(envelope())
    assert result.outcome is Outcome.DELIVERED
    assert result.tls.startswith("TLSv1.3")
    assert "evil" not in str(lane.peer.extensions)
    assert lane.is_usable


@pytest.mark.parametrize("fault", [GARBAGE, CLOSE, RESET, HANG])
async def test_it_falls_back_to_no_tls_when_tls_is_broken(
    carrier: Carrier, sink: SmtpSink, fault: Action
) -> None:
    sink.on("STARTTLS", fault)
    lane = await carrier.lane(mx(port=sink.port))
    (result,) = await lane.send(envelope())
    assert (result.outcome, result.tls) == (Outcome.DELIVERED, "")
    assert (sink.sessions, sink.messages[0].tls) == (2, "")
    assert recorded(carrier) == [("validation-failure", False)]
    assert "the TLS handshake with mx.example.org failed" in lane.transcript


@pytest.mark.parametrize("reply", ["454 4.7.0 not now", "502 what?"])
async def test_it_goes_on_without_tls_when_starttls_is_refused(
    carrier: Carrier, sink: SmtpSink, reply: str
) -> None:
    sink.on("STARTTLS", reply)
    (result,) = await (await carrier.lane(mx(port=sink.port))).send(envelope())
    assert (result.outcome, result.tls, sink.sessions) == (Outcome.DELIVERED, "", 1)
    assert recorded(carrier) == [("starttls-not-supported", True)]


async def test_it_never_says_starttls_when_it_must_not(carrier: Carrier, sink: SmtpSink) -> None:
    lane = await carrier.lane(smtp(sink, "none"))
    assert (await lane.send(envelope()))[0].tls == ""
    assert sink.count("STARTTLS") == 0
    assert recorded(carrier) == []


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (None, "4.7.4"),
        ("454 4.7.0 not now", "4.7.4"),
        (GARBAGE, "4.7.5"),
        (CLOSE, "4.7.5"),
        (last("421 4.3.2 bye"), "4.7"),
    ],
    ids=["stripped", "refused", "garbage", "close", "421"],
)
async def test_it_sends_nothing_in_the_clear_where_tls_is_demanded(
    carrier: Carrier, sink: SmtpSink, fault: Action | None, status: str
) -> None:
    """A downgrade by who sits on the line."""
    if fault is None:
        sink.on("EHLO", "250 sink.test\n250 8BITMIME")
    else:
        sink.on("STARTTLS", fault)
    error = await unreachable(carrier, smtp(sink, "encrypt"))
    assert error.status.startswith(status)
    assert not error.is_permanent
    assert sink.count("MAIL") == 0
    assert sink.sessions == 1


@pytest.mark.parametrize(
    ("names", "is_expired", "is_fine"),
    [
        ((HOST,), False, True),
        (("*.example.org",), False, True),
        (("other.example",), False, False),
        ((HOST,), True, False),
    ],
)
async def test_it_verifies_where_that_is_demanded(
    carrier: Carrier,
    authority: Authority,
    names: tuple[str, ...],
    is_expired: bool,
    is_fine: bool,
) -> None:
    with SmtpSink(tls=authority.server(*names, is_expired=is_expired).context) as sink:
        if is_fine:
            lane = await carrier.lane(smtp(sink, "verify"))
            assert lane.tls.endswith("trusted")
        else:
            error = await unreachable(carrier, smtp(sink, "verify"))
            assert error.status.startswith("4.7.")
        assert sink.count("MAIL") == 0


async def test_it_tries_the_next_host_when_one_has_no_good_tls(
    carrier: Carrier, dns: DnsServer, authority: Authority, settings: Settings
) -> None:
    """DANE: the host with a wrong certificate is passed over, nothing goes there."""
    good, bad = authority.server("a.example"), authority.server("b.example")
    dns.secure("")
    with (
        SmtpSink(tls=bad.context) as worse,
        SmtpSink(tls=good.context, host="127.0.0.2", port=worse.port) as better,
    ):
        settings.SMTP_OUT_PORT = worse.port
        dns.add("dane.example", "MX", "1 one.dane.example.", "2 two.dane.example.")
        dns.add("one.dane.example", "A", "127.0.0.1")
        dns.add("two.dane.example", "A", "127.0.0.2")
        for name in ("one", "two"):
            dns.add(f"_{worse.port}._tcp.{name}.dane.example", "TLSA", good.tlsa())
        lane = await carrier.lane(mx("dane.example"))
        (result,) = await lane.send(envelope())
        assert (result.host, result.tls.split()[-1]) == ("two.dane.example", "dane")
        assert (len(worse.messages), len(better.messages)) == (0, 1)
        assert [may_use for _, may_use in recorded(carrier)] == [False, True]


@pytest.mark.parametrize("tls", ["implicit"])
async def test_it_speaks_tls_from_the_first_octet(
    carrier: Carrier, authority: Authority, tls: str
) -> None:
    context = authority.server(HOST).context
    with SmtpSink(tls=context, is_implicit=True) as sink:
        lane = await carrier.lane(smtp(sink, tls))
        (result,) = await lane.send(envelope())
        assert result.tls == "TLSv1.3 TLS_AES_256_GCM_SHA384 trusted"
        assert sink.count("EHLO") == 1


async def test_it_tells_that_there_is_no_implicit_tls(carrier: Carrier, sink: SmtpSink) -> None:
    error = await unreachable(carrier, smtp(sink, "implicit"))
    assert error.status == "4.7.5"
    assert sink.commands == []


REQUIRETLS = (*EXTENSIONS, "REQUIRETLS")


async def test_it_requires_tls_of_a_verified_host(
    carrier: Carrier, dns: DnsServer, authority: Authority
) -> None:
    dns.secure("example.org")
    with SmtpSink(tls=authority.server(HOST).context, extensions=REQUIRETLS) as sink:
        lane = await carrier.lane(mx(port=sink.port), requires_tls=True)
        (result,) = await lane.send(envelope(requires_tls=True))
        assert result.outcome is Outcome.DELIVERED
        assert sink.messages[0].mail_parameters.endswith("REQUIRETLS")


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ("extension", "does not offer REQUIRETLS"),
        ("certificate", "is the right server is not proved"),
        ("secure name", "is the right server is not proved"),
        ("tls", "has no TLS"),
    ],
)
async def test_it_does_not_send_where_tls_cannot_be_promised(
    carrier: Carrier, dns: DnsServer, authority: Authority, lacking: str, words: str
) -> None:
    if lacking != "secure name":
        dns.secure("example.org")
    name = "other.example" if lacking == "certificate" else HOST
    context = None if lacking == "tls" else authority.server(name).context
    extensions = EXTENSIONS if lacking == "extension" else REQUIRETLS
    with SmtpSink(tls=context, extensions=extensions) as sink:
        error = await unreachable(carrier, mx(port=sink.port), requires_tls=True)
        assert (error.status, error.is_permanent) == ("5.7.30", True)
        assert words in error.reply
        # And over a lane that was made for other mail.
        (result,) = await (await carrier.lane(mx(port=sink.port))).send(envelope(requires_tls=True))
        assert (result.outcome, result.status) == (Outcome.FAILED, "5.7.30")
        assert words in result.reply
        assert sink.messages == []


async def test_it_does_not_reuse_a_lane_that_cannot_require_tls(
    carrier: Carrier, sink: SmtpSink
) -> None:
    carrier.give_back(await carrier.lane(mx(port=sink.port)))
    await unreachable(carrier, mx(port=sink.port), requires_tls=True)
    assert sink.sessions == 2


SECRET = {"username": "relay@example.test", "password": "pässword"}


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "CRAM-MD5", "XYZ CRAM-MD5 PLAIN"])
async def test_it_signs_in(carrier: Carrier, authority: Authority, mechanisms: str) -> None:
    with SmtpSink(tls=authority.server(HOST).context, auth=mechanisms) as sink:
        lane = await carrier.lane(smtp(sink, "verify", **SECRET))
        (result,) = await lane.send(envelope())
        assert result.outcome is Outcome.DELIVERED
        assert sink.messages[0].user in mechanisms.split()
        for login in sink.logins:
            for word in set(login.decode().split()) - set(mechanisms.split()):
                assert word not in lane.transcript
        assert "(hidden)" in lane.transcript


@pytest.mark.parametrize(
    ("tls", "mechanisms", "reply", "status", "words"),
    [
        ("verify", "PLAIN", "535 5.7.8 wrong password", "4.7.8", "535 5.7.8 wrong password"),
        ("verify", "PLAIN", "454 4.7.0 later", "4.7.8", "454 4.7.0 later"),
        ("verify", "", "", "4.7.0", "it offers no AUTH"),
        ("verify", "GSSAPI", "", "4.7.0", "offers no way to sign in that we know"),
        ("opportunistic", "PLAIN", "", "4.7.10", "offers no TLS to sign in under"),
    ],
)
async def test_it_waits_when_it_cannot_sign_in(
    carrier: Carrier,
    authority: Authority,
    tls: str,
    mechanisms: str,
    reply: str,
    status: str,
    words: str,
) -> None:
    context = None if tls == "opportunistic" else authority.server(HOST).context
    with SmtpSink(tls=context, auth=mechanisms) as sink:
        if reply:
            sink.on("AUTH", reply)
        error = await unreachable(carrier, smtp(sink, tls, **SECRET))
        assert (error.status, error.is_permanent) == (status, False)
        assert words in error.reply
        assert sink.count("MAIL") == 0
        assert not any(SECRET["password"] in line for line in error.attempts)


async def test_it_does_not_show_a_password_to_who_has_no_tls(
    carrier: Carrier, sink: SmtpSink
) -> None:
    """The password goes in the clear only where the administrator has said so."""
    sink.auth = "PLAIN"
    sink.on("EHLO", "250 sink.test\n250 AUTH PLAIN")
    await unreachable(carrier, smtp(sink, "opportunistic", **SECRET))
    assert sink.logins == []
    lane = await carrier.lane(smtp(sink, "none", **SECRET))
    assert (await lane.send(envelope()))[0].outcome is Outcome.DELIVERED
    assert len(sink.logins) == 1


def lmtp(sink: SmtpSink) -> NextHop:
    return NextHop("transport/2", "lmtp", "127.0.0.1", sink.port)


@pytest.mark.parametrize("extensions", [EXTENSIONS, ("8BITMIME",)])
async def test_it_speaks_lmtp(carrier: Carrier, extensions: tuple[str, ...]) -> None:
    to = ["a@example.org", "b@example.org", "c@example.org", "d@example.org"]
    with SmtpSink(is_lmtp=True, extensions=extensions) as sink:
        sink.on("RCPT b@example.org", "550 5.1.1 no such user")
        sink.on(". c@example.org", "452 4.2.2 full")
        sink.on(". d@example.org", "550 5.7.1 no")
        lane = await carrier.lane(lmtp(sink))
        results = {to[one.ref - 1][0]: one for one in await lane.send(envelope(*to))}
        assert {name: (one.outcome, one.status) for name, one in results.items()} == {
            "a": (Outcome.DELIVERED, "2.0.0"),
            "b": (Outcome.FAILED, "5.1.1"),
            "c": (Outcome.DEFERRED, "4.2.2"),
            "d": (Outcome.FAILED, "5.7.1"),
        }
        assert (sink.count("LHLO"), sink.count("EHLO")) == (1, 0)
        assert lane.is_usable


async def test_it_defers_whom_lmtp_gives_no_answer(carrier: Carrier) -> None:
    with SmtpSink(is_lmtp=True) as sink:
        sink.on(". b@example.org", CLOSE)
        lane = await carrier.lane(lmtp(sink))
        results = await lane.send(envelope("a@example.org", "b@example.org", "c@example.org"))
        assert {one.ref: one.outcome for one in results} == {
            1: Outcome.DELIVERED,
            2: Outcome.DEFERRED,
            3: Outcome.DEFERRED,
        }


async def test_it_does_not_wait_for_the_answers_of_nobody(carrier: Carrier) -> None:
    with SmtpSink(is_lmtp=True) as sink:
        sink.on("RCPT", b"550 5.1.1 no such user\r\n354 go ahead\r\n")
        lane = await carrier.lane(lmtp(sink))
        (result,) = await lane.send(envelope())
        assert (result.outcome, result.status) == (Outcome.FAILED, "5.1.1")
        assert not lane.is_usable


async def test_it_tells_that_a_server_speaks_no_lmtp(carrier: Carrier, sink: SmtpSink) -> None:
    error = await unreachable(carrier, lmtp(sink))
    assert (error.code, error.status) == (500, "5.5.1")
