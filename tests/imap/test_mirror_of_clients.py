"""The mirror test: after any history of several sessions, each client knows what there is."""

import random
from collections.abc import Callable
from contextlib import closing

import pytest

from apps.directory.models import User
from tests.conftest import PASSWORD
from tests.imap.conftest import add_numbered
from tests.support.dialogue import Client
from tests.support.imap_client import ModelClient
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = 60


def _seq(client: ModelClient, dice: random.Random) -> str:
    count = len(client.messages)
    low = dice.randint(1, count)
    return f"{low}:{min(count, low + dice.randint(0, 3))}"


def _store(client: ModelClient, dice: random.Random) -> None:
    mode = dice.choice(["+FLAGS", "-FLAGS", "FLAGS"]) + dice.choice(["", ".SILENT"])
    flags = dice.choice([r"\Seen", r"\Flagged \Answered", r"$Work", r"\Deleted", ""])
    numbers = _seq(client, dice)
    said = client.command(f"STORE {numbers} {mode} ({flags})")
    assert said.startswith(("OK", "NO [EXPUNGEISSUED]")), said
    if mode.endswith(".SILENT"):
        # A client that asks for silence knows what it stored; ours asks instead.
        client.command(f"FETCH {numbers} (UID FLAGS)")


def _delete(client: ModelClient, dice: random.Random) -> None:
    client.command(rf"STORE {_seq(client, dice)} +FLAGS (\Deleted)")


def _expunge(client: ModelClient, dice: random.Random) -> None:
    assert client.command("EXPUNGE").startswith("OK")


def _fetch(client: ModelClient, dice: random.Random) -> None:
    client.command(f"FETCH {_seq(client, dice)} (UID FLAGS)")


def _read(client: ModelClient, dice: random.Random) -> None:
    client.command(f"UID FETCH {dice.randint(1, 30)} (FLAGS BODY[HEADER.FIELDS (X-None)])")


def _search(client: ModelClient, dice: random.Random) -> None:
    client.command(dice.choice(["SEARCH UNSEEN", "UID SEARCH FLAGGED"]))


def _move(client: ModelClient, dice: random.Random) -> None:
    client.command(f"MOVE {_seq(client, dice)} Archive")


def _copy(client: ModelClient, dice: random.Random) -> None:
    client.command(f"COPY {_seq(client, dice)} INBOX")


def _append(client: ModelClient, dice: random.Random) -> None:
    assert client.command("APPEND INBOX (\\Draft) {6+}\r\na: b\r\n").startswith("OK")


def _noop(client: ModelClient, dice: random.Random) -> None:
    client.command("NOOP")


ANY_TIME: list[Callable[[ModelClient, random.Random], None]] = [_append, _noop, _read, _search]
WITH_MESSAGES = [_store, _store, _delete, _expunge, _fetch, _fetch, _move, _copy, *ANY_TIME]


@pytest.mark.parametrize("seed", range(6))
def test_it_tells_every_client_the_truth(alice: User, server: RunningServer, seed: int) -> None:
    dice = random.Random(seed)
    add_numbered(alice.pk, 8)
    clients = []
    for _ in range(dice.randint(2, 4)):
        client = ModelClient(Client(server.port))
        client.login(alice.address, PASSWORD)
        client.select("INBOX")
        clients.append(client)
    for _ in range(STEPS):
        client = dice.choice(clients)
        dice.choice(WITH_MESSAGES if client.messages else ANY_TIME)(client, dice)
    with closing(Client(server.port)) as wire:
        fresh = ModelClient(wire)
        fresh.login(alice.address, PASSWORD)
        fresh.select("INBOX")
        for client in clients:
            client.command("NOOP")
            assert client.picture() == fresh.picture()
            client.wire.close()
