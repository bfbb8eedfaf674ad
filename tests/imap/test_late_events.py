"""What a session changed is known to the others of its process at once, however late the event of
it comes (over Redis it may take a while)."""

from pathlib import Path

import pytest

from apps.directory.models import User
from apps.events.types import Event
from apps.imap.selected.mirrors import Mirrors
from tests.conftest import PASSWORD
from tests.imap.conftest import add_numbered
from tests.support.dialogue import Dialogue
from tests.support.imap_server import RunningServer

FOLDER = Path(__file__).parent / "dialogues"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["close", "expunge", "store", "replace"])
def test_it_speaks_as_written_though_events_never_come(
    name: str, alice: User, bob: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hear_nothing(_: Mirrors, event: Event) -> None:
        del event

    monkeypatch.setattr(Mirrors, "hear", hear_nothing)
    users = {"alice": alice, "bob": bob}

    def deliver(user: str, mailbox: str, count: int) -> None:
        add_numbered(users[user].pk, count, mailbox)

    addresses = {one: user.address for one, user in users.items()}
    script = (FOLDER / f"{name}.txt").read_text()
    Dialogue(server.port, deliver, addresses, PASSWORD).run(script)
