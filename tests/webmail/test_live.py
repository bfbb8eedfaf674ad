"""Open pages: what they are told, within what time, and who is told nothing."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import F
from django.test import Client
from django.utils import timezone

from apps.accounts.models import WebSession
from apps.accounts.services import sessions
from apps.directory.models import User
from apps.events import bus
from apps.events.types import DeliveryChanged, EventsMissed, LooksChanged, UserChanged
from apps.mailstore import queries
from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.services import flags, mailboxes, sharing
from apps.mailstore.services.flags import FlagChange
from apps.ops import web
from apps.provisioning import services as provisioning
from apps.runtime.db import in_db
from apps.runtime.listener import Listener
from apps.runtime.tls import Certificates
from apps.webmail.live import feed, state, stream
from apps.webmail.live.hub import hub
from mailhost.asgi import application
from tests.imap.conftest import add_message
from tests.support.mail import RAW

pytestmark = pytest.mark.django_db(transaction=True)

SOON = 10.0


@dataclass
class Page:
    """An open page: what it hears, in its order."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    heard: bytes = b""
    ended: bool = False
    asked: bool = False
    some: asyncio.Condition = field(default_factory=asyncio.Condition)
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Any) -> None:
        async with self.some:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
            else:
                self.heard += message.get("body", b"")
                self.ended = not message.get("more_body", False)
            self.some.notify_all()

    async def receive(self) -> Any:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    @property
    def events(self) -> list[tuple[str, Any]]:
        found = []
        for block in self.heard.decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "event" in lines:
                found.append((lines["event"], json.loads(lines["data"])))
        return found

    @property
    def mark(self) -> str:
        return self.heard.decode().rpartition("\nid: ")[2].partition("\n")[0]

    @property
    def known(self) -> dict[str, Any]:
        """All counts together."""
        counts: dict[str, Any] = {}
        for name, data in self.events:
            if name == "counts":
                counts.update(data["counts"])
        return counts

    async def until(self, right: Callable[["Page"], bool]) -> None:
        async with asyncio.timeout(SOON), self.some:
            await self.some.wait_for(lambda: right(self))


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@asynccontextmanager
async def page(
    cookie: str = "", *, since: str = "", path: str = "/mail/events/"
) -> AsyncIterator[Page]:
    one = Page()
    name = settings.SESSION_COOKIE_NAME
    headers = [(b"host", b"localhost"), (b"accept", b"text/event-stream")]
    headers.append((b"cookie", f"{name}={cookie}".encode()))
    headers += [(b"last-event-id", since.encode())] if since else []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.1", 50_000),
        "server": ("localhost", 443),
    }
    task = asyncio.create_task(application(scope, one.receive, one.send))
    try:
        await one.until(lambda page: bool(page.status))
        yield one
    finally:
        one.leave.set()
        async with asyncio.timeout(SOON):
            await task


async def write(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await in_db("write", function, *args, **kwargs)


def inbox(user: User) -> int:
    return queries.inboxes([user.pk])[user.pk]


async def has_counts(one: Page) -> None:
    await one.until(lambda page: bool(page.known))


async def test_it_tells_the_whole_state_and_then_what_changes(alice: User) -> None:
    cookie, box = await write(lambda: (cookie_of(alice), inbox(alice)))
    async with page(cookie) as one, page(cookie) as other:
        assert one.status == 200
        assert one.headers["content-type"].startswith("text/event-stream")
        assert one.headers["cache-control"] == "no-store"
        assert one.headers["x-accel-buffering"] == "no"
        assert "content-length" not in one.headers
        assert "default-src 'none'" in one.headers["content-security-policy"]
        await has_counts(one)
        await has_counts(other)
        assert b"retry: 3000" in one.heard
        assert one.known[str(box)]["messages"] == 0
        uids, took = [], []
        for number in (1, 2, 3):  # the best of three: the machine may be busy with other tests
            began = time.monotonic()
            uids.append((await write(add_message, alice.pk, RAW)).uid)
            for tab in (one, other):
                await tab.until(lambda page: page.known[str(box)]["unseen"] == number)  # noqa: B023
            took.append(time.monotonic() - began)
        assert min(took) < 1, took
        assert one.events[-1][1]["total"] == 3
        assert list(one.events[-1][1]["counts"]) == [str(box)]
        change = FlagChange("add", FLAG_SEEN, ())
        origin = Origin("test", alice.pk)
        await write(flags.store, mailbox_id=box, uids=uids, change=change, origin=origin)
        await other.until(lambda page: page.known[str(box)]["unseen"] == 0)
    assert len(hub()) == 0


async def test_who_comes_back_is_told_only_what_is_new(alice: User) -> None:
    cookie, box = await write(lambda: (cookie_of(alice), inbox(alice)))
    async with page(cookie) as one:
        await has_counts(one)
        mark = one.mark
    async with page(cookie, since=mark) as again:
        await write(add_message, alice.pk, RAW)
        await has_counts(again)
        assert again.known[str(box)]["messages"] == 1
    async with page(cookie, since=mark) as late:
        await has_counts(late)
        assert len(late.known) > 1
        assert "folders" not in dict(late.events)
    await write(mailboxes.create, user_id=alice.pk, name="Bills")
    async with page(cookie, since=mark) as later:
        await has_counts(later)
        assert "folders" in dict(later.events)
    async with page(cookie, since="x" * 5_000) as odd:
        await has_counts(odd)


async def test_it_tells_of_folders_looks_and_deliveries(alice: User, bob: User) -> None:
    cookie = await write(cookie_of, alice)
    async with page(cookie) as one:
        await has_counts(one)
        await write(mailboxes.create, user_id=alice.pk, name="Bills")
        await one.until(lambda page: "folders" in dict(page.events))
        assert len(one.known) == len(await in_db("read", queries.mailboxes, alice.pk))
        bus.publish(DeliveryChanged(bob.pk), LooksChanged(bob.pk))
        bus.publish(DeliveryChanged(alice.pk))
        await one.until(lambda page: "delivery" in dict(page.events))
        assert [name for name, _ in one.events].count("folders") == 1
        bus.publish(LooksChanged(alice.pk))
        await one.until(lambda page: [name for name, _ in page.events].count("folders") == 2)


async def test_it_tells_nobody_of_mailboxes_of_others(alice: User, bob: User, eve: User) -> None:
    cookie, box = await write(lambda: (cookie_of(bob), inbox(alice)))
    async with page(cookie) as one, page(await write(cookie_of, eve)) as stranger:
        await has_counts(one)
        await has_counts(stranger)
        await write(add_message, alice.pk, RAW)
        await write(add_message, bob.pk, RAW)
        await write(add_message, eve.pk, RAW)
        await one.until(lambda page: page.events[-1][1].get("total") == 1)
        await stranger.until(lambda page: page.events[-1][1].get("total") == 1)
        assert str(box) not in one.known
        await write(grant, alice, box, bob, "lr")
        await one.until(lambda page: str(box) in page.known)
        await write(add_message, alice.pk, RAW)
        await one.until(lambda page: page.known[str(box)]["messages"] == 2)
        await write(grant, alice, box, bob, "")
        before = len(one.events)
        await one.until(lambda page: len(page.events) > before)
        await write(add_message, alice.pk, RAW)
        await write(add_message, bob.pk, RAW)
        await one.until(lambda page: page.events[-1][1].get("total") == 2)
        assert one.known[str(box)]["messages"] == 2
        assert str(box) not in stranger.known


def grant(owner: User, box: int, to: User, rights: str) -> None:
    origin = Origin("test", owner.pk)
    sharing.grant(mailbox_id=box, to=to.address, rights=rights, origin=origin)


async def test_nobody_hears_who_is_not_signed_in(alice: User) -> None:
    async with page("x" * 32) as one:
        assert one.status == 401
        assert one.ended
    assert len(hub()) == 0


async def _sessions_end(user: User) -> None:
    await write(sessions.end_all, user_id=user.pk)


async def _row_goes(user: User) -> None:
    """Without a word: the look from time to time finds it."""
    await write(lambda: WebSession.objects.all().delete())
    bus.publish(EventsMissed())


async def _suspended(user: User) -> None:
    await write(provisioning.suspend_user, user.address)


async def _new_password(user: User) -> None:
    await write(provisioning.set_password, user, "another horse battery")


async def _too_old(user: User) -> None:
    await write(lambda: WebSession.objects.update(expire_date=timezone.now()))
    bus.publish(UserChanged(user.pk))


@pytest.mark.parametrize("end", [_sessions_end, _row_goes, _suspended, _new_password, _too_old])
async def test_it_ends_with_the_session(
    alice: User, bob: User, end: Callable[[User], Awaitable[None]]
) -> None:
    cookie = await write(cookie_of, alice)
    async with page(cookie) as one:
        await has_counts(one)
        await end(alice)
        await one.until(lambda page: page.ended)
        assert one.events[-1][0] == "session"
    assert len(hub()) == 0


async def test_a_look_from_time_to_time_finds_what_no_hint_told(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "CHECK", 0.3)
    cookie, box = await write(lambda: (cookie_of(alice), inbox(alice)))
    async with page(cookie) as one:
        await has_counts(one)
        monkeypatch.setattr(bus, "publish", lambda *_: None)
        await write(add_message, alice.pk, RAW)
        await one.until(lambda page: page.known[str(box)]["messages"] == 1)
        await write(lambda: WebSession.objects.all().delete())
        await one.until(lambda page: page.ended)


async def test_it_goes_on_after_a_fault_of_its_own(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, faults = state.read, [ZeroDivisionError("planted")]

    def read(user_id: int) -> state.State:
        if faults:
            raise faults.pop()
        return whole(user_id)

    monkeypatch.setattr(feed, "_AGAIN", 0.05)
    monkeypatch.setattr(state, "read", read)
    async with page(await write(cookie_of, alice)) as one:
        await has_counts(one)
    assert faults == []


async def test_it_says_now_and_then_that_it_is_there(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    async with page(await write(cookie_of, alice)) as one:
        await one.until(lambda page: page.heard.count(b":\n\n") >= 2)


async def test_the_page_that_was_opened_first_polls_when_there_are_too_many(alice: User) -> None:
    cookie = await write(cookie_of, alice)
    async with page(cookie) as first:
        await has_counts(first)
        others = [page(cookie) for _ in range(feed.MOST)]
        opened = [await one.__aenter__() for one in others]
        await first.until(lambda page: page.ended)
        assert first.events[-1][0] == "poll"
        await has_counts(opened[-1])
        assert len(hub()) == feed.MOST
        for one in others:
            await one.__aexit__(None, None, None)


async def test_a_full_house_says_so(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.webmail.live.hub.MOST", 1)
    cookie = await write(cookie_of, alice)
    async with page(cookie) as one, page(cookie) as other:
        await has_counts(one)
        assert other.status == 503
        assert other.headers["retry-after"] == "300"


async def test_much_at_once_is_told_together(alice: User) -> None:
    cookie, box = await write(lambda: (cookie_of(alice), inbox(alice)))
    async with page(cookie) as one:
        await has_counts(one)
        before = len(one.events)
        began = time.monotonic()
        for _ in range(20):
            await write(add_message, alice.pk, RAW)
        took = time.monotonic() - began
        await one.until(lambda page: page.known[str(box)]["messages"] == 20)
        assert len(one.events) - before <= 3 + took / 0.25


async def test_an_open_page_keeps_nobody_signed_in(alice: User) -> None:
    def age() -> Any:
        WebSession.objects.update(seen_at=timezone.now() - timedelta(minutes=30))
        return WebSession.objects.get().seen_at

    cookie = await write(cookie_of, alice)
    seen = await write(age)
    async with page(cookie) as one:
        await has_counts(one)
    async with page(cookie, path="/mail/poll/") as answer:
        assert answer.status == 200
    assert await write(lambda: WebSession.objects.get().seen_at) == seen


def test_who_polls_is_told_the_same(alice: User, client: Client) -> None:
    client.force_login(alice)
    first = client.get("/mail/poll/").json()
    assert first["counts"][str(inbox(alice))] == {"unseen": 0, "messages": 0, "modseq": 1}
    assert not first["folders"]
    same = client.get("/mail/poll/", {"since": first["cursor"]})
    assert same.json() == {"cursor": first["cursor"]}
    assert same.headers["Cache-Control"] == "no-store"
    add_message(alice.pk, RAW)
    then = client.get("/mail/poll/", {"since": first["cursor"]}).json()
    assert then["total"] == 1
    assert not then["folders"]
    mailboxes.create(user_id=alice.pk, name="Bills")
    assert client.get("/mail/poll/", {"since": then["cursor"]}).json()["folders"]
    assert client.get("/mail/poll/", {"since": "\0" * 9_000}).status_code == 200


def test_a_page_that_asks_while_the_password_changes_ends_nothing(
    alice: User, client: Client
) -> None:
    client.force_login(alice)
    User.objects.filter(pk=alice.pk).update(credential_version=F("credential_version") + 1)
    told = client.get("/mail/poll/", headers={"X-Peek": "1", "Accept": "application/json"})
    assert told.status_code == 401
    User.objects.filter(pk=alice.pk).update(credential_version=F("credential_version") - 1)
    assert client.get("/mail/inbox/").status_code == 200


def test_without_a_stream_before_it_a_browser_is_told_to_poll(alice: User, client: Client) -> None:
    as_script = {"accept": "application/json"}
    assert client.get("/mail/events/", headers=as_script).status_code == 401
    assert client.get("/mail/poll/", headers=as_script).status_code == 401
    client.force_login(alice)
    assert client.get("/mail/events/").status_code == 204


def test_what_is_told_costs_three_queries(alice: User, django_assert_num_queries: Any) -> None:
    for number in range(20):
        mailboxes.create(user_id=alice.pk, name=f"F{number}")
    with django_assert_num_queries(3):
        state.read(alice.pk)


def resident() -> int:
    """Octets of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096


@pytest.mark.long
async def test_two_hundred_pages_cost_little_and_hear_soon(
    alice: User,
    bob: User,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    tls_files: dict[str, Path],
) -> None:
    """Through the web door itself; the other ends are bare sockets."""
    monkeypatch.setattr(feed, "MOST", 1_000)
    settings.CONNECTIONS_PER_USER = 1_000
    settings.WEB_TLS = False
    settings.ASGI_APPLICATION = "mailhost.asgi.application"
    cookies = [await write(cookie_of, one) for one in (alice, bob)]
    certificates = Certificates(tls_files["cert"], tls_files["key"], "localhost")
    listener = Listener([web.door()], certificates=certificates)
    listener.start()
    port = listener.ports()["web"]
    loop = asyncio.get_running_loop()
    ends: list[socket.socket] = []
    before = 0
    for number in range(220):
        if number == 20:  # what the first ones load is not theirs
            before = resident()
        end = socket.create_connection(("localhost", port))
        end.setblocking(False)
        name = settings.SESSION_COOKIE_NAME
        asked = (
            f"GET /mail/events/ HTTP/1.1\r\nHost: localhost\r\nCookie: {name}={cookies[number % 2]}"
        )
        await loop.sock_sendall(end, asked.encode() + b"\r\nAccept: text/event-stream\r\n\r\n")
        await heard(end, b"event: counts")
        ends.append(end)
    each = (resident() - before) / 200
    rounds = []
    for _ in range(10):
        delays = []
        await write(add_message, alice.pk, RAW)
        began = time.monotonic()
        for end in ends[::2]:
            await heard(end, b"event: counts")
            delays.append(time.monotonic() - began)
        rounds.append(sorted(delays)[len(delays) * 95 // 100])
    p95 = sorted(rounds)[len(rounds) // 2]  # a machine that stood still in one round says nothing
    began = time.monotonic()
    await listener.stop()
    stopped = time.monotonic() - began
    for end in ends:
        end.close()
    record = f"{each / 1024:.1f} KB each, p95 {p95 * 1000:.0f} ms, stopped in {stopped:.2f} s"
    assert each < 64 * 1024, record
    assert p95 < 1, record
    assert stopped < 5, record
    print(record)  # noqa: T201 - for who measures


async def heard(end: socket.socket, what: bytes) -> None:
    read = b""
    async with asyncio.timeout(SOON):
        while what not in read:
            piece = await asyncio.get_running_loop().sock_recv(end, 65_536)
            assert piece, read
            read += piece
