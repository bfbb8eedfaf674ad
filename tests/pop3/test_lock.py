"""One session at a time: told in words, and over with the session, however it ends."""

import asyncio
import os
import poplib
import signal
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.cache import cache

from apps.directory.models import User
from apps.pop3 import lock, maildrop
from apps.pop3.doors import Service
from apps.pop3.lock import Locks
from apps.runtime.db import in_db
from apps.wire.errors import StorageUnavailable
from tests.conftest import PASSWORD
from tests.imap.conftest import add_message
from tests.pop3.conftest import Running, knock, opens, pop3_login, said, session
from tests.support.dialogue import Client
from tests.support.installation import DOORS, POP3_DOORS, UNCHECKED, installation
from tests.support.listening import listening
from tests.support.services import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_lets_in_who_reads_the_goodbye(alice: User, server: Running) -> None:
    for _ in range(20):
        assert knock(server, alice) == "+OK 0 messages"


@pytest.mark.parametrize("ending", ["close", "cut", "nonsense", "silence", "long line"])
def test_it_is_over_with_the_session(alice: User, server: Running, ending: str) -> None:
    client = Client(server.ports["pop3"])
    pop3_login(client, alice.address, PASSWORD)
    assert knock(server, alice) == "-ERR [IN-USE] Another session has this mailbox open"
    if ending == "cut":
        client.socket.sendall(b"RETR ")
    elif ending == "nonsense":
        client.socket.sendall(b"x\r\n" * 60)
    elif ending == "long line":
        client.socket.sendall(b"x" * 20_000)
    elif ending == "silence":
        client.socket.shutdown(1)
    if ending in {"close", "cut"}:
        client.close()
    wait_for(opens(server, alice), 10, "the mailbox stays locked")
    client.close()


def test_it_is_over_when_a_retrieval_is_cut(alice: User, server: Running) -> None:
    add_message(alice.pk, b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 100_000)
    client = Client(server.ports["pop3"])
    pop3_login(client, alice.address, PASSWORD)
    assert said(client, "RETR 1").startswith("+OK")
    client.close()
    wait_for(opens(server, alice), 10, "the mailbox stays locked")


def test_it_is_over_when_the_service_ends(alice: User) -> None:
    with listening(Service, "pop3", "pop3s") as first, session(first, alice):
        pass
    with listening(Service, "pop3", "pop3s") as second:
        assert knock(second, alice) == "+OK 0 messages"


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are kept in the cache, as where listeners are several processes."""
    monkeypatch.setattr(lock, "settings", SimpleNamespace(REDIS_URL="set"))


def test_it_holds_across_processes(shared: None) -> None:
    async def take_turns() -> list[bool]:
        one, other = Locks(), Locks()
        taken = [await one.take(7), await other.take(7), await other.take(8)]
        await one.give_back(7)
        taken += [await other.take(7), await one.take(7)]
        one.close()
        other.close()
        return taken

    assert asyncio.run(take_turns()) == [True, False, True, True, False]


def test_it_lapses_when_nobody_renews_it(shared: None) -> None:
    async def die_and_come_back() -> list[bool]:
        dead, alive = Locks(), Locks()
        taken = [await dead.take(7), await alive.take(7)]
        await in_db("read", cache.delete, "pop3-lock-7")  # its time has come
        taken.append(await alive.take(7))
        await dead.give_back(7)  # late: it is another's by now
        taken.append(await Locks().take(7))
        dead.close()
        alive.close()
        return taken

    assert asyncio.run(die_and_come_back()) == [True, False, True, False]


@pytest.mark.parametrize("place", ["_take", "open_maildrop"])
def test_it_is_not_left_behind_by_a_sign_in_that_failed(
    alice: User, server: Running, shared: None, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def failing(*_: object, **__: object) -> bool:
        raise StorageUnavailable("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(lock if place == "_take" else maildrop, place, failing)
        with closing(Client(server.ports["pop3"])) as client:
            said(client, f"USER {alice.address}")
            assert said(client, f"PASS {PASSWORD}").startswith("-ERR [SYS/TEMP] ")
            assert client.line() == "(closed)"
    wait_for(opens(server, alice), 10, "the mailbox stays locked")


def test_it_is_renewed(shared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEWAL", 0.05)

    async def hold() -> str:
        holder, other = Locks(), Locks()
        assert await holder.take(7)
        await in_db("read", cache.delete, "pop3-lock-7")  # as a cache does that starts anew
        await asyncio.to_thread(
            wait_for, lambda: cache.get("pop3-lock-7") is not None, 10, "not renewed"
        )
        assert not await other.take(7)
        await in_db("read", cache.set, "pop3-lock-7", "another's", 60)
        await holder.take(8)
        await in_db("read", cache.delete, "pop3-lock-8")
        await asyncio.to_thread(
            wait_for, lambda: cache.get("pop3-lock-8") is not None, 10, "not renewed"
        )
        holder.close()
        return str(await in_db("read", cache.get, "pop3-lock-7"))

    assert asyncio.run(hold()) == "another's"


def test_it_is_over_when_the_process_is_killed(tmp_path: Path) -> None:
    with installation(tmp_path, {}, doors=(*DOORS, *POP3_DOORS)) as service:
        service.add_people("alice@example.test")

        def session() -> closing[poplib.POP3_SSL]:
            port = service.ports["POP3S"]
            return closing(poplib.POP3_SSL("127.0.0.1", port, context=UNCHECKED, timeout=20))

        def sign_in(client: poplib.POP3_SSL) -> None:
            client.user("alice@example.test")
            client.pass_(PASSWORD)

        def is_in() -> bool:
            try:
                with session() as client:
                    sign_in(client)
                    client.quit()
            except (OSError, EOFError, poplib.error_proto):
                return False
            return True

        with session() as first:
            sign_in(first)
            assert not is_in()
            os.kill(service.children()["listeners"], signal.SIGKILL)
            wait_for(is_in, lock.SECONDS + 20, "the mailbox stays locked")
