"""One click that leaves a list (RFC 8058), against a list server that answers, well or badly."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.abc import ResolveResult
from django.test import Client
from django.test.utils import override_settings

from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailstore.models import Entry
from apps.remote import webfetch
from apps.remote.webfetch import Names, Web
from apps.resolver.live import live_resolver
from apps.webmail import leaving
from apps.webmail.why.unsubscribing import Kind, Offer
from apps.wire.errors import Refused
from tests.support.dns_server import DnsServer
from tests.support.mail import drain, local, submission
from tests.support.policy_host import Answer, PolicyHost
from tests.support.test_ca import Authority
from tests.webmail.test_mail import text
from tests.webmail.test_pictures import loopback
from tests.webmail.test_why import ONE_CLICK, PROVED, SIGNED, mail

pytestmark = pytest.mark.django_db
HOST = "shop.example"


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    made = Authority(tmp_path)
    with override_settings(EXTRA_CA=made.file):
        yield made


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as made, override_settings(DNS_SERVERS=(made.endpoint,)):
        made.add(HOST, "A", "127.0.0.1")
        yield made


@pytest.fixture
def lists(
    authority: Authority, dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PolicyHost]:
    """The list's server: for trials, the internet is loopback, and 443 the port it has there."""
    with PolicyHost(authority.server(HOST).context) as made:

        class Nearby(Names):
            async def resolve(
                self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
            ) -> list[ResolveResult]:
                found = await super().resolve(host, port, family)
                for one in found:
                    one["port"] = made.port
                return found

        monkeypatch.setattr(webfetch, "Names", Nearby)
        monkeypatch.setattr(
            leaving, "client", lambda: Web(live_resolver(), seconds=1.5, reaches=loopback)
        )
        yield made


def offer(url: str = f"https://{HOST}/u?x=1") -> Offer:
    return Offer(Kind.ONE_CLICK, HOST, url)


def test_it_posts_once_and_says_nothing_of_the_reader(lists: PolicyHost) -> None:
    lists.answer = Answer(b"Done", headers={"Set-Cookie": "a=b"})
    assert leaving.ask(offer()) == f"{HOST} was asked to take you off the list."
    assert leaving.ask(offer()) == f"{HOST} was asked to take you off the list."
    assert len(lists.requests) == 2
    for asked in lists.requests:
        assert (asked.method, asked.host, asked.path) == ("POST", HOST, "/u?x=1")
        assert asked.body == b"List-Unsubscribe=One-Click"  # RFC 8058 section 3.2
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        assert not {"cookie", "referer", "authorization", "origin"} & asked.headers.keys()


@pytest.mark.parametrize("status", [400, 403, 404, 410, 429, 500, 503])
def test_a_list_that_does_not_take_it_is_told_with_its_status(
    lists: PolicyHost, status: int
) -> None:
    lists.answer = Answer(b"<script>alert(1)</script>", status, "text/html")
    with pytest.raises(Refused) as caught:
        leaving.ask(offer())
    assert f"did not take it (it answered {status})" in caught.value.reply.text
    assert "script" not in caught.value.reply.text


@pytest.mark.parametrize("target", ["/elsewhere", "https://10.0.0.1/", "http://shop.example/"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(lists: PolicyHost, status: int, target: str) -> None:
    """RFC 8058 section 3.1: there must be none."""
    lists.answer = Answer(status=status, headers={"Location": target})
    with pytest.raises(Refused, match=r".") as caught:
        leaving.ask(offer())
    assert str(status) in caught.value.reply.text
    assert len(lists.requests) == 1


@pytest.mark.parametrize("is_endless", [False, True])
def test_how_much_it_answers_does_not_matter(lists: PolicyHost, is_endless: bool) -> None:
    """A page of thanks may have any size; it is not read."""
    lists.answer = Answer(b"x" * 300_000, media_type="text/html", is_endless=is_endless)
    begin = time.monotonic()
    assert "was asked" in leaving.ask(offer())
    assert time.monotonic() - begin < 5


def test_a_list_that_hangs_is_given_up(lists: PolicyHost) -> None:
    lists.answer = Answer(is_silent=True)
    begin = time.monotonic()
    with pytest.raises(Refused) as caught:
        leaving.ask(offer())
    assert time.monotonic() - begin < 6
    assert "could not be asked" in caught.value.reply.text


def test_a_certificate_of_nobody_is_not_believed(lists: PolicyHost, dns: DnsServer) -> None:
    dns.add("other.example", "A", "127.0.0.1")
    lists.answer = Answer(b"Done")
    with pytest.raises(Refused, match=r"."):
        leaving.ask(offer("https://other.example/u"))
    assert lists.requests == []


@pytest.mark.parametrize(
    "url", [f"http://{HOST}/u", "ftp://shop.example/", f"https://a:b@{HOST}/", "https:///u", "x"]
)
def test_only_https_is_spoken(lists: PolicyHost, url: str) -> None:
    with pytest.raises(Refused, match=r"."):
        leaving.ask(offer(url))
    assert lists.requests == []


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "::1", "fd00::1"]
)
def test_no_private_address_is_asked_whatever_is_allowed_for_mail(
    authority: Authority, dns: DnsServer, address: str, private: bool
) -> None:
    """SMTP_OUT_PRIVATE is of mail alone; what people click on leads to the public internet."""
    with PolicyHost(authority.server("inside.test").context) as host:
        dns.add("inside.test", "AAAA" if ":" in address else "A", address)
        with override_settings(SMTP_OUT_PRIVATE=private), pytest.raises(Refused, match=r"."):
            leaving.ask(offer(f"https://inside.test:{host.port}/u"))
        assert host.requests == []


@pytest.mark.parametrize(("status", "word"), [(200, "was asked"), (500, "answered 500")])
def test_a_click_on_the_page_asks_the_list(
    alice: User, reader: Client, lists: PolicyHost, status: int, word: str
) -> None:
    """From the message to the list and back, with a script and without one."""
    lists.answer = Answer(b"Done", status)
    raw = mail(SIGNED, ONE_CLICK, ways=f"<https://{HOST}/u?x=1>".encode())
    accept([submission(local(alice), raw, prefix=PROVED)])
    drain()
    path = f"/mail/inbox/{Entry.objects.get().uid}/"
    assert reader.get(f"{path}unsubscribe/").status_code == 200
    assert lists.requests == []  # looking asks nobody
    said = reader.post(f"{path}unsubscribe/", headers={"accept": "application/json"}).json()
    assert word in said["text" if status == 200 else "error"]
    assert word in text(reader.post(f"{path}unsubscribe/", follow=True))
    assert [one.path for one in lists.requests] == ["/u?x=1"] * 2
