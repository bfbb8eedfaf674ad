"""Every dialogue in tests/pop3/dialogues, against a real listener and the real tables."""

import re
from pathlib import Path

import pytest

from apps.directory.models import User
from apps.pop3.handlers.registry import COMMANDS, load
from apps.pop3.proto.commands import VERBS
from tests.conftest import PASSWORD
from tests.pop3.conftest import Running, pop3_login, put
from tests.support.dialogue import Dialogue, scripts

FOLDER = Path(__file__).parent / "dialogues"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("script", scripts(FOLDER), ids=lambda path: path.stem)
def test_it_speaks_as_written(script: Path, alice: User, bob: User, server: Running) -> None:
    users = {"alice": alice, "bob": bob}
    Dialogue(
        server.ports["pop3"],
        lambda user, name, count: put(users[user], name, count),
        {name: user.address for name, user in users.items()},
        PASSWORD,
        pop3_login,
    ).run(script.read_text())


def test_it_has_a_handler_and_a_dialogue_for_every_command() -> None:
    load()
    assert set(COMMANDS) == set(VERBS)
    said = "\n".join(path.read_text() for path in scripts(FOLDER))
    spoken = {verb.upper() for verb in re.findall(r"^\d?C: (\w+)", said, re.MULTILINE)}
    assert set(COMMANDS) - spoken == set()
