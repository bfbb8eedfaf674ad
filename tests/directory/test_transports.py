"""Where mail for other servers is handed over: which transport wins, keys, passwords."""

import base64

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from apps.directory import transports
from apps.directory.models import Domain, Transport, TransportProtocol, TransportScope, TransportTls
from apps.directory.services import transports as services
from apps.directory.services.transports import Server
from apps.remote.types import HopUnreachableError, NextHop
from apps.wire.errors import InvalidName, NotFound

RECIPIENT, SENDER, ALL = TransportScope.RECIPIENT, TransportScope.SENDER, TransportScope.ALL
LOGIN = Server("smart.test", username="us", password="a secret")


def put(scope: TransportScope, domain: str, host: str) -> Transport:
    return services.put(scope=scope, domain=domain, server=Server(host))


def hosts(*pairs: tuple[str, str]) -> list[str]:
    return [transports.next_hop(*pair).host for pair in pairs]


@pytest.fixture
def _rules(domain: Domain) -> None:
    put(RECIPIENT, "exact.test", "exact-host.test")
    put(RECIPIENT, ".exact.test", "below-host.test")
    put(RECIPIENT, ".deep.exact.test", "deep-host.test")
    put(SENDER, "example.test", "sender-host.test")
    put(ALL, "", "all-host.test")


@pytest.mark.usefixtures("_rules")
def test_it_takes_the_most_special_transport() -> None:
    assert hosts(
        ("example.test", "exact.test"),
        ("example.test", "a.exact.test"),
        ("example.test", "a.deep.exact.test"),
        ("example.test", "deep.exact.test"),
        ("example.test", "inexact.test"),
        ("other.test", "inexact.test"),
        ("", "inexact.test"),
        ("example.test", "[192.0.2.1]"),
    ) == [
        "exact-host.test",
        "below-host.test",
        "deep-host.test",
        "deep-host.test",
        "sender-host.test",
        "all-host.test",
        "all-host.test",
        "sender-host.test",
    ]


@pytest.mark.usefixtures("_rules")
def test_it_asks_once_for_many() -> None:
    pairs = [("example.test", f"d{number}.test") for number in range(50)]
    with CaptureQueriesContext(connection) as queries:
        found = transports.next_hops([*pairs, ("", "exact.test")])
    assert len(queries) == 1
    assert {hop.host for pair, hop in found.items() if pair in pairs} == {"sender-host.test"}
    assert found["", "exact.test"] == transports.next_hop("", "exact.test")
    assert transports.next_hops([]) == {}


def test_it_leaves_to_mx_what_no_transport_takes(db: None) -> None:
    hop = transports.next_hop("example.test", "elsewhere.test")

    assert hop == NextHop(key="mx/elsewhere.test", kind="mx", host="elsewhere.test")
    assert transports.by_key(hop.key) == hop


def test_it_lets_a_dot_stand_for_the_domain_itself(db: None) -> None:
    put(RECIPIENT, ".below.test", "host.test")

    assert hosts(("", "below.test"), ("", "x.y.below.test"), ("", "notbelow.test")) == [
        "host.test",
        "host.test",
        "notbelow.test",
    ]


def test_it_gives_the_whole_hop_by_its_key(db: None) -> None:
    row = services.put(scope=ALL, server=LOGIN)
    hop = transports.next_hop("", "elsewhere.test")

    assert hop.key == transports.key_of(row) == f"transport/{row.pk}/smtp:smart.test:25"
    assert hop.password == ""
    whole = transports.by_key(hop.key)
    assert whole == NextHop(
        hop.key, "smtp", "smart.test", 25, "verify", username="us", password="a secret"
    )
    assert "a secret" not in repr(whole)
    assert b"a secret" not in bytes(row.secret)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "mx/",
        "transport/",
        "transport/x/smtp:a:1",
        "transport/\u0661/smtp:smart.test:25",
        "transport/999/smtp:smart.test:25",
        f"transport/{'9' * 30}/smtp:smart.test:25",
        "lmtp/1",
    ],
)
def test_it_knows_no_other_keys(db: None, key: str) -> None:
    assert transports.by_key(key) is None


def test_it_knows_a_key_that_has_become_stale(db: None) -> None:
    key = transports.key_of(put(ALL, "", "old.test"))
    put(ALL, "", "new.test")

    assert transports.by_key(key) is None
    assert transports.next_hop("", "elsewhere.test").host == "new.test"

    services.remove(scope=ALL)
    assert transports.by_key(transports.next_hop("", "elsewhere.test").key) is not None
    assert hosts(("", "elsewhere.test")) == ["elsewhere.test"]


def test_it_says_that_a_password_cannot_be_decrypted(db: None, settings: Settings) -> None:
    key = transports.key_of(services.put(scope=ALL, server=LOGIN))
    settings.ENCRYPTION_KEY = (base64.b64encode(bytes(32)).decode(),)

    assert transports.next_hop("", "elsewhere.test").key == key
    with pytest.raises(HopUnreachableError) as caught:
        transports.by_key(key)
    assert caught.value.status == "4.3.5"
    assert not caught.value.is_permanent
    assert "smart.test" in caught.value.reply


def test_it_sends_no_password_to_a_host_that_the_database_alone_names(db: None) -> None:
    row = services.put(scope=ALL, server=LOGIN)
    Transport.objects.filter(pk=row.pk).update(host="thief.test")

    with pytest.raises(HopUnreachableError):
        transports.by_key(transports.next_hop("", "elsewhere.test").key)


@pytest.mark.parametrize("tls", [TransportTls.NONE, TransportTls.OPPORTUNISTIC, "encrypt"])
def test_it_takes_no_password_that_would_travel_unprotected(db: None, tls: TransportTls) -> None:
    with pytest.raises(InvalidName) as caught:
        services.put(scope=ALL, server=Server("a.test", tls=tls, username="u", password="p"))
    assert "verify or implicit" in caught.value.reply.text
    services.put(scope=ALL, server=Server("127.0.0.1", tls=tls, username="u", password="p"))
    assert hosts(("", "elsewhere.test")) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("server", "kind", "port", "tls"),
    [
        (Server("A.Test."), "smtp", 25, "opportunistic"),
        (Server("a.test", protocol=TransportProtocol.LMTP), "lmtp", 24, "opportunistic"),
        (Server("a.test", tls=TransportTls.IMPLICIT), "smtp", 465, "implicit"),
        (Server("a.test", 587, username="u", password="p"), "smtp", 587, "verify"),
    ],
)
def test_it_knows_the_usual_ports(db: None, server: Server, kind: str, port: int, tls: str) -> None:
    services.put(scope=ALL, server=server)

    hop = transports.next_hop("", "elsewhere.test")
    assert (hop.kind, hop.host, hop.port, hop.tls) == (kind, "a.test", port, tls)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Mailstore", "mailstore"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
    ],
)
def test_it_reads_hosts(text: str, stored: str) -> None:
    assert services.host_name(text) == stored


@pytest.mark.parametrize("text", ["", "a b", "1.2.3", "a..test", "x" * 300, "[::1", "::1%x"])
def test_it_refuses_what_is_no_host(text: str) -> None:
    with pytest.raises(InvalidName):
        services.host_name(text)


@pytest.mark.parametrize(
    "server",
    [
        Server("a.test", 0),
        Server("a.test", 65536),
        Server("a.test", username="u"),
        Server("a.test", password="p"),
        Server("a.test", username="u\0v", password="p"),
        Server("a.test", username="u", password="p\r\nDATA"),
        Server("a.test", username="u", password="p" * 1_001),
    ],
)
def test_it_refuses_what_cannot_be(db: None, server: Server) -> None:
    with pytest.raises(InvalidName):
        services.put(scope=ALL, server=server)
    assert not Transport.objects.exists()


def test_it_checks_the_domain_of_a_rule(domain: Domain) -> None:
    with pytest.raises(InvalidName):
        put(ALL, "example.test", "a.test")
    with pytest.raises(NotFound):
        put(SENDER, "elsewhere.test", "a.test")
    for text in ("", ".", "[192.0.2.1]", "a b"):
        with pytest.raises(InvalidName):
            put(RECIPIENT, text, "a.test")
    assert put(RECIPIENT, " .Bücher.Example ", "a.test").domain == ".xn--bcher-kva.example"


def test_it_says_when_there_is_nothing_to_remove(db: None) -> None:
    with pytest.raises(NotFound):
        services.remove(scope=ALL)
    with pytest.raises(NotFound):
        services.remove(scope=SENDER, domain="gone.test")


def test_it_keeps_mail_apart_for_which_tls_is_optional(db: None) -> None:
    key = transports.tls_optional(transports.next_hop("", "example.org").key)
    assert key == "mx-tls-optional/example.org"
    hop = transports.by_key(key)
    assert hop == NextHop(key, "mx", "example.org", tls="optional")
    assert transports.tls_optional(key) == key
    assert transports.tls_optional("transport/1/smtp:a.test:25") == "transport/1/smtp:a.test:25"
    assert transports.by_key("mx-tls-optional/") is None
