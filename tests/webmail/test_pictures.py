"""Pictures from outside: off until somebody asks, fetched by this host, from nowhere near it."""

import asyncio
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import pytest
from django.core.signing import Signer
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings

from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailstore.models import Entry
from apps.remote.outside import Outside, check
from apps.remote.webfetch import FetchError
from apps.resolver.base import IPAddress
from apps.resolver.live import live_resolver
from apps.runtime import clock
from apps.webmail import imagehead, pictures
from apps.webmail.models import TrustedSender
from apps.webmail.services import trusted
from apps.wire.errors import Refused
from tests.support.dns_server import DnsServer
from tests.support.mail import drain, local, submission
from tests.webmail.test_mail import deliver, text

pytestmark = pytest.mark.django_db

LETTER = (
    b"From: Shop <news@shop.test>\r\nTo: alice@example.test\r\nSubject: Sale\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
    b'<p>Hi</p><img src="https://cdn.shop.test/a.png?u=1&amp;v=2">'
    b'<img src="//cdn.shop.test/b.png">'
    b'<img width=1 height="1" src="https://track.shop.test/open"><table background='
    b'"http://cdn.shop.test/c.png"><tr><td style="background: #fff url(http://cdn.shop.test/d.png)">'
    b"x</table>\r\n"
)


def png(width: int = 40, height: int = 30) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (width + 1) * height if width * height < 10**6 else b"\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _nothing(to: socket.socket) -> None:
    to.sendall(b"HTTP/1.1 404 No\r\n\r\n")


class Sink:
    """An HTTP server on loopback that answers as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.answers: dict[bytes, Callable[[socket.socket], object]] = {}
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def say(self, path: str, body: bytes, head: str = "Content-Type: image/png") -> None:
        answer = f"HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        self.answers[path.encode()] = lambda to: to.sendall(answer)

    def lead(self, path: str, target: str) -> None:
        answer = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
        self.answers[path.encode()] = lambda to: to.sendall(answer)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)  # or accept() waits on behind close()
        self._server.close()
        self._thread.join(30)

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(taken,), daemon=True).start()

    def _answer(self, taken: socket.socket) -> None:
        with taken:
            asked = b""
            try:
                while b"\r\n\r\n" not in asked and (piece := taken.recv(65_536)):
                    asked += piece
                self.asked.append(asked)
                path = asked.split(b" ")[1] if b" " in asked else b""
                self.answers.get(path, _nothing)(taken)
            except OSError:
                return


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server, override_settings(DNS_SERVERS=(server.endpoint,)):
        yield server


def loopback(address: IPAddress) -> bool:
    """For trials: the sink's address counts as the internet; no other one does."""
    return address == ip_address("127.0.0.1")


def fetched(url: str, *ports: int, seconds: float = 10, limit: int = 10_000) -> bytes:
    async def get() -> bytes:
        client = Outside(live_resolver(), seconds=seconds)
        if ports:
            client = Outside(live_resolver(), seconds=seconds, reaches=loopback, ports=ports)
        return await client.get(url, limit=limit)

    return asyncio.run(get())


INSIDE = [
    "127.0.0.1", "127.1", "127.0.1", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fe80::1%25eth0]", "10.0.0.1",
    "172.16.0.1", "192.168.1.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1",
    "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "168.63.129.16", "224.0.0.1",
    "255.255.255.255", "localhost", "localhost.", "%6c%6f%63alhost", "127.0.0.1.",
]  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_it_asks_nothing_within_reach(dns: DnsServer, sink: Sink, host: str) -> None:
    sink.say("/", png())
    for scheme in ("http", "https"):
        with pytest.raises(FetchError):
            fetched(f"{scheme}://{host}/")
    assert sink.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "192.168.0.1", "0.0.0.0", "::1",
     "::ffff:10.0.0.1", "fe80::1", "fd00::1"],
)  # fmt: skip
def test_it_follows_no_name_that_leads_inside(dns: DnsServer, address: str) -> None:
    dns.add("127.0.0.1.rebind.test", "AAAA" if ":" in address else "A", address)
    with pytest.raises(FetchError, match=r"not to be connected to|not found"):
        fetched("http://127.0.0.1.rebind.test/a.png")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "gopher://x.test/", "ftp://x.test/a.png", "data:image/png;base64,AA",
     "http://x.test:25/", "http://x.test:8080/", "https://x.test:80/", "http://user@x.test/",
     "http://x.test\\@127.0.0.1/", "http://x.test/\r\nX: y", "http:///a", "http://[::1",
     "//x.test/",     "http://x.test:99999/", "HTTP://", "", "http://" + "a" * 5_000],
)  # fmt: skip
def test_it_takes_no_odd_url(url: str) -> None:
    if url == "https://x.test:80/":
        check(url)  # a usual port, whatever the scheme
        return
    with pytest.raises(FetchError):
        check(url)


def test_it_connects_to_the_address_that_was_checked(dns: DnsServer, sink: Sink) -> None:
    """DNS rebinding: the second look-up says another address, but there is none."""
    sink.say("/a.png", png())
    dns.add("rebind.test", "A", "127.0.0.1", ttl=0)
    assert fetched(f"http://rebind.test:{sink.port}/a.png", sink.port) == png()
    asked = [one for one in dns.questions if one[0] == "rebind.test" and one[1] == "A"]
    assert len(asked) == 1
    dns.remove("rebind.test")
    dns.add("rebind.test", "A", "10.0.0.1", ttl=0)
    with pytest.raises(FetchError, match="not to be connected to"):
        fetched(f"http://rebind.test:{sink.port}/a.png", sink.port)
    assert len(sink.asked) == 1


def test_it_sends_nothing_of_the_reader(dns: DnsServer, sink: Sink) -> None:
    dns.add("cdn.test", "A", "127.0.0.1")
    answer = b"HTTP/1.1 302 F\r\nSet-Cookie: id=1\r\nLocation: /b.png\r\nContent-Length: 0\r\n\r\n"
    sink.answers[b"/a.png"] = lambda to: to.sendall(answer)
    sink.say("/b.png", png())
    assert fetched(f"http://cdn.test:{sink.port}/a.png", sink.port) == png()
    assert len(sink.asked) == 2
    for asked in sink.asked:
        names = {line.split(b":")[0].lower() for line in asked.split(b"\r\n")[1:] if line}
        assert names == {b"host", b"user-agent", b"accept", b"accept-encoding", b"connection"}
        assert b"User-Agent: Mozilla/5.0\r\n" in asked


def test_it_checks_each_redirect(dns: DnsServer, sink: Sink) -> None:
    dns.add("cdn.test", "A", "127.0.0.1")
    dns.add("inside.test", "A", "10.0.0.1")
    targets = (
        "http://inside.test/ http://10.0.0.1/ file:///etc/passwd gopher://x.test/"
        " http://169.254.169.254/latest/ http://cdn.test:25/ http://2130706433/"
    ).split()
    for number, target in enumerate(targets):
        sink.lead(f"/{number}", target)
        with pytest.raises(FetchError):
            fetched(f"http://cdn.test:{sink.port}/{number}", sink.port, 80, 443)
    for number in range(5):
        sink.lead(f"/hop{number}", f"/hop{number + 1}")
    sink.say("/hop5", png())
    assert fetched(f"http://cdn.test:{sink.port}/hop2", sink.port) == png()
    with pytest.raises(FetchError, match="redirects"):
        fetched(f"http://cdn.test:{sink.port}/hop1", sink.port)


def test_it_reads_no_endless_and_no_slow_answer(dns: DnsServer, sink: Sink) -> None:
    dns.add("cdn.test", "A", "127.0.0.1")
    base = f"http://cdn.test:{sink.port}"

    def pour(to: socket.socket) -> None:
        to.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            to.sendall(b"x" * 65_536)

    def drip(to: socket.socket) -> None:
        to.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        to.recv(1)  # until the other side has gone

    sink.answers[b"/endless"] = pour
    sink.answers[b"/slow"] = drip
    sink.answers[b"/silent"] = lambda to: bool(to.recv(1))
    sink.answers[b"/huge"] = lambda to: to.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n"
    )
    with pytest.raises(FetchError, match="more than 10000 bytes"):
        fetched(f"{base}/endless", sink.port)
    with pytest.raises(FetchError, match="more than 10000 bytes"):
        fetched(f"{base}/huge", sink.port)
    for path in ("/slow", "/silent"):
        begin = time.monotonic()
        with pytest.raises(FetchError, match="within"):
            fetched(base + path, sink.port, seconds=0.5)
        assert time.monotonic() - begin < 5


def test_it_knows_pictures_by_what_they_are() -> None:
    assert imagehead.look(png(40, 30)) == ("image/png", 40, 30)
    assert imagehead.look(pictures.DOT) == ("image/gif", 1, 1)
    jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x1e\x00\x28\x03" + b"\0" * 9
    assert imagehead.look(jpeg) == ("image/jpeg", 40, 30)
    for other in (b"", b"<svg/>", b"<?xml?><svg/>", b"<html>", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n",
                  b"GIF89a", b"\xff\xd8\xff" + b"\xff" * 9_000, b"RIFF    WEBP", b"....ftypavif",
                  b"\0\0\1\0icon", b"BM", b"II*\0"):  # fmt: skip
        assert imagehead.look(other) is None
    bomb = imagehead.look(png(60_000, 60_000))
    assert bomb is not None
    assert not bomb.is_bearable


def test_it_gives_no_picture_that_is_none(
    dns: DnsServer, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.add("cdn.test", "A", "127.0.0.1")
    monkeypatch.setattr(  # the very client, for which the sink is the internet
        pictures, "client", lambda: Outside(live_resolver(), reaches=loopback, ports={sink.port})
    )
    base = f"http://cdn.test:{sink.port}"
    sink.say("/real", png(), "Content-Type: text/html")
    assert pictures.fetch(f"{base}/real", 1) == (("image/png", 40, 30), png())
    sink.say("/svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")
    sink.say("/html", b"<script>alert(1)</script>")
    sink.say("/bomb", png(60_000, 60_000))
    for path in ("/svg", "/html", "/bomb", "/nothing"):
        with pytest.raises(FetchError):
            pictures.fetch(base + path, 1)
    sink.say("/dot", png(1, 1))
    assert pictures.fetch(f"{base}/dot", 1)[1] == pictures.DOT


def open_body(reader: Client, query: str = "") -> str:
    return text(reader.get(f"/mail/inbox/{Entry.objects.get().uid}/body/{query}"))


def test_nothing_from_outside_is_there_before_somebody_asks(alice: User, reader: Client) -> None:
    deliver(alice, LETTER)
    page = open_body(reader)
    assert "shop.test" not in page
    assert "/img/" not in page
    asked = open_body(reader, "?images=1")
    assert "shop.test" not in asked
    assert asked.count("/img/") == 4  # with the background of a table, and one of a style
    assert "background: #fff url(" in asked  # quotes and all, within an attribute
    assert "track" not in asked


def test_an_address_of_ours_is_for_one_person_and_some_days(
    alice: User, bob: User, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = pictures.addresser(alice.pk)
    assert address is not None
    ours = address("https://cdn.shop.test/a.png")
    assert address("https://cdn.shop.test/a.png") == ours  # so the browser knows it again
    assert address("javascript:alert(1)") == address("file:///etc/passwd") == ""
    signed = ours.removeprefix("/img/").rstrip("/")
    assert pictures.read_address(signed, alice.pk) == "https://cdn.shop.test/a.png"
    assert pictures.read_address(signed, bob.pk) is None
    assert pictures.read_address(signed[:-1], alice.pk) is None
    other = Signer(salt="something else").sign_object([alice.pk, 2**40, "http://x.test/"])
    assert pictures.read_address(other, alice.pk) is None
    monkeypatch.setattr(clock, "now", lambda: 2**40)
    assert pictures.read_address(signed, alice.pk) is None
    assert reader.get(ours).status_code == 404


def test_a_picture_comes_with_a_type_of_ours_and_stays_with_its_reader(
    alice: User, reader: Client, dns: DnsServer, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.add("cdn.test", "A", "127.0.0.1")
    monkeypatch.setattr(
        pictures, "client", lambda: Outside(live_resolver(), reaches=loopback, ports={sink.port})
    )
    sink.say("/a.png", png(), "Content-Type: text/html\r\nSet-Cookie: a=b")
    address = pictures.addresser(alice.pk)
    assert address is not None
    response = reader.get(address(f"http://cdn.test:{sink.port}/a.png"))
    assert response.status_code == 200
    assert response.content == png()
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"].startswith("private, max-age=")
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert not response.cookies
    missing = reader.get(address("http://10.0.0.1/a.png"))
    assert missing.status_code == 502
    assert missing.headers["Cache-Control"] == "no-store"


def test_an_installation_may_do_without(alice: User, reader: Client) -> None:
    deliver(alice, LETTER)
    with override_settings(REMOTE_IMAGES=False):
        assert pictures.addresser(alice.pk) is None
        assert "/img/" not in open_body(reader, "?images=1")


def test_a_sender_is_trusted_only_if_it_is_proved(alice: User, reader: Client) -> None:
    deliver(alice, LETTER)
    uid = Entry.objects.get().uid
    TrustedSender.objects.create(user=alice, key="news@shop.test", at=1)
    assert "/img/" not in open_body(reader)  # nobody has proved that it is from there
    TrustedSender.objects.all().delete()
    assert reader.post(f"/mail/inbox/{uid}/pictures/").status_code == 302
    assert not TrustedSender.objects.exists()
    assert reader.get(f"/mail/inbox/{uid}/pictures/").status_code == 405


def test_trust_is_given_and_taken(alice: User, bob: User, reader: Client) -> None:
    trusted.trust(user_id=alice.pk, address="News@Shop.test")
    trusted.trust(user_id=alice.pk, address="news@shop.test")
    trusted.trust(user_id=bob.pk, address="news@shop.test")
    row = TrustedSender.objects.get(user=alice)
    other = TrustedSender.objects.get(user=bob)
    assert "news@shop.test" in text(reader.get("/mail/pictures/"))
    for wrong in ("", "x", "-1", "9" * 40, str(other.pk)):
        reader.post("/mail/pictures/", {"forget": wrong})
    assert TrustedSender.objects.count() == 2
    reader.post("/mail/pictures/", {"forget": str(row.pk)})
    assert TrustedSender.objects.get() == other
    with pytest.raises(Refused):
        trusted.trust(user_id=alice.pk, address="")


def test_a_body_is_asked_for_by_constant_statements(alice: User, reader: Client) -> None:
    deliver(alice, LETTER)
    uid = Entry.objects.get().uid
    counts = []
    for _ in range(2):
        deliver(alice, LETTER)
        with CaptureQueriesContext(connection) as asked:
            reader.get(f"/mail/inbox/{uid}/body/?images=1")
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 12, counts


def test_pictures_of_a_proved_and_trusted_sender_come_through_the_proxy(
    alice: User, reader: Client, dns: DnsServer, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the button to the picture: the reader asks this host alone, which asks the sender's."""
    dns.add("cdn.shop.test", "A", "127.0.0.1")
    monkeypatch.setattr(
        pictures, "client", lambda: Outside(live_resolver(), reaches=loopback, ports={sink.port})
    )
    sink.say("/a.png", png())
    proof = b"Authentication-Results: mail.example.test;\r\n\tdmarc=%s header.from=shop.test\r\n"
    raw = (
        b"From: Shop <news@shop.test>\r\nSubject: Sale\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: text/html\r\n\r\n<img src="http://cdn.shop.test:%d/a.png">\r\n' % sink.port
    )
    accept([submission(local(alice), raw, prefix=proof % b"pass")])
    accept([submission(local(alice), raw, prefix=proof % b"fail")])
    drain()
    proved, forged = Entry.objects.order_by("uid").values_list("uid", flat=True)
    assert "/img/" not in text(reader.get(f"/mail/inbox/{proved}/body/"))
    reader.post(f"/mail/inbox/{forged}/pictures/")
    assert not TrustedSender.objects.exists()
    reader.post(f"/mail/inbox/{proved}/pictures/")
    assert TrustedSender.objects.get().key == "news@shop.test"
    assert "/img/" not in text(reader.get(f"/mail/inbox/{forged}/body/"))
    shown = text(reader.get(f"/mail/inbox/{proved}/body/"))
    assert "shop.test" not in shown
    found = re.search(r"/img/[^\"]+", shown)
    assert found is not None
    assert sink.asked == []
    assert reader.get(found[0]).content == png()
    assert len(sink.asked) == 1
