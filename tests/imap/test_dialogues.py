"""Every dialogue in tests/imap/dialogues, against a real listener and the real tables."""

import re
from pathlib import Path

import pytest

from apps.directory.models import User
from apps.imap.handlers.registry import COMMANDS, load
from tests.conftest import PASSWORD
from tests.imap.conftest import add_numbered
from tests.support.dialogue import Dialogue, scripts
from tests.support.imap_server import RunningServer

FOLDER = Path(__file__).parent / "dialogues"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("script", scripts(FOLDER), ids=lambda path: path.stem)
def test_it_speaks_as_written(script: Path, alice: User, bob: User, server: RunningServer) -> None:
    users = {"alice": alice, "bob": bob}

    def deliver(user: str, mailbox: str, count: int) -> None:
        add_numbered(users[user].pk, count, mailbox)

    addresses = {name: user.address for name, user in users.items()}
    Dialogue(server.port, deliver, addresses, PASSWORD).run(script.read_text())


def test_it_has_a_dialogue_for_every_command() -> None:
    load()
    said = "\n".join(path.read_text() for path in scripts(FOLDER))
    spoken = set(re.findall(r"^\d?C: \S+ ((?:UID )?[A-Z]+)", said, re.MULTILINE))
    assert set(COMMANDS) - spoken == set()
