"""The mirror test: after any history of several sessions, each client knows what there is."""

from collections.abc import Iterable, Sequence

import pytest

from apps.directory.models import Domain
from apps.imap import telling
from apps.imap.handlers import store
from apps.imap.search import answering, updating
from apps.imap.selected import mirrors
from apps.provisioning import services as provisioning
from tests.conftest import PASSWORD
from tests.imap.histories import History
from tests.imap.listening_process import listener_process
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = 60


def histories(seeds: Iterable[int], ports: Sequence[int], steps: int = STEPS) -> None:
    """Let each happen to a user of its own; what fails says which, and how it came to it."""
    for seed in seeds:
        user = provisioning.add_user(f"user{seed}@example.test", PASSWORD)[0]
        history = History(seed, user, ports)
        try:
            history.run(steps)
        except Exception as error:
            talk = "\n".join(history.log[-120:])
            raise AssertionError(f"seed {seed}: {error!r}\n{talk}") from error


@pytest.mark.parametrize("first", [0, 10])
def test_it_tells_every_client_the_truth(domain: Domain, server: RunningServer, first: int) -> None:
    histories(range(first, first + 6), [server.port])


def test_it_does_so_too_when_all_work_is_done_as_that_of_large_mailboxes(
    domain: Domain, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On threads and in pages of one, with the other clients' commands in between."""
    monkeypatch.setattr(mirrors, "AT_ONCE", 0)
    monkeypatch.setattr(answering, "_LARGE", 0)
    monkeypatch.setattr(telling, "PAGE", 1)
    monkeypatch.setattr(updating, "PAGE", 1)
    monkeypatch.setattr(store, "PAGE", 1)
    histories(range(200, 204), [server.port])


def test_it_tells_clients_of_two_processes_the_truth(domain: Domain, server: RunningServer) -> None:
    with listener_process() as port:
        histories(range(100, 106), [server.port, port])


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(1_000, 1_400, 100))
def test_it_tells_the_truth_after_hundreds_of_histories(
    domain: Domain, server: RunningServer, first: int
) -> None:
    with listener_process() as port:
        histories(range(first, first + 50), [server.port], steps=150)
        histories(range(first + 50, first + 100), [server.port, port], steps=150)
