"""UIDs rise, for everyone, however many processes give them out at once (RFC 3501 2.3.1.1)."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import connections

from apps.directory.models import User
from tests.conftest import PASSWORD
from tests.imap.conftest import add_message
from tests.imap.listening_process import listener_process
from tests.support.imap_client import ModelClient, Wire, World
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)
_APPENDED = re.compile(r"APPENDUID \d+ (\d+)")
_NEXT = re.compile(r'\* STATUS "?INBOX"? \(UIDNEXT (\d+)\)')


def _append(port: int, times: int) -> list[int]:
    """Append and ask, again and again; the UIDs that were given."""
    wire = Wire(port)
    with closing(wire):
        return _append_on(ModelClient(wire, World()), times)


def _append_on(client: ModelClient, times: int) -> list[int]:
    client.login("alice@example.test", PASSWORD)
    given: list[int] = []
    for number in range(times):
        if number % 5 == 4:
            client.open("INBOX")
        said = client.command("APPEND INBOX {4+}\r\na:\r\n")
        found = _APPENDED.search(said)
        assert found is not None, said
        given.append(int(found[1]))
        client.log.clear()
        client.command("STATUS INBOX (UIDNEXT)")
        (told,) = [m for line in client.log if (m := _NEXT.search(line))]
        assert int(told[1]) > given[-1]
    assert given == sorted(given)
    return given


def _deliver(user_id: int, times: int) -> list[int]:
    try:
        return [add_message(user_id, b"a: b\r\n").uid for _ in range(times)]
    finally:
        connections.close_all()


def race(user: User, ports: list[int], clients: int, times: int) -> None:
    with ThreadPoolExecutor(clients + 1) as threads:
        jobs = [threads.submit(_append, ports[n % len(ports)], times) for n in range(clients)]
        jobs.append(threads.submit(_deliver, user.pk, times))
        every = sorted(uid for job in jobs for uid in job.result(300))
    assert every == list(range(1, len(every) + 1))


def test_it_gives_each_uid_once_and_in_order(alice: User, server: RunningServer) -> None:
    with listener_process() as port:
        race(alice, [server.port, port], clients=4, times=15)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_it_gives_thousands(alice: User, server: RunningServer) -> None:
    with listener_process() as first, listener_process() as second:
        race(alice, [server.port, first, second], clients=9, times=300)
